import { DomainError } from '@updraft/core'
import { describe, expect, test } from 'vitest'
import { exactly, expressionOf, readQuery } from './rsql.ts'

const said = (text: string) => expressionOf(readQuery(text))

/** The sentence with which it is refused. */
function refused(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof DomainError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}

describe('a query', () => {
  test.each([
    ['name==a', '(name == "a")'],
    ['controllerId!=a', '!(name == "a")'],
    ['ID=="a b"', '(name == "a b")'],
    ['name==pump-*', '(glob(name, "pump-*"))'],
    ["name=in=(a,'b,c')", '(name == "a" || name == "b,c")'],
    ['name=OUT=(a,b)', '!(name == "a" || name == "b")'],
    ['attribute.site==north', '(string(inventory.attributes["site"]) == "north")'],
    ['controllerAttributes.a.b==c', '(string(inventory.attributes["a.b"]) == "c")'],
    ['name==a;name==b,name==c', '(((name == "a") && (name == "b")) || (name == "c"))'],
    ['name==a AND (name==b or name==c)', '((name == "a") && ((name == "b") || (name == "c")))'],
    ['name=="a\\"b"', '(name == "a\\"b")'],
    ['name=="\\\\"', '(name == "\\\\")'],
  ])('%s is %s', (text, expression) => {
    expect(said(text)).toBe(expression)
  })

  test('a value is never more than a text', () => {
    expect(said(`name=='x" || true || name == "'`)).toBe('(name == "x\\" || true || name == \\"")')
    expect(said(`attribute.a"]==b`.replace('"', ''))).toBe(
      '(string(inventory.attributes["a]"]) == "b")',
    )
  })

  test.each([
    ['', /is empty/],
    ['   ', /is empty/],
    ['name', /not like name==value/],
    ['name==', /a value is due/],
    ['name==a;', /not like name==value/],
    ['name==a name==b', /goes on with "name"/],
    ['name=in=a', /no "\("/],
    ['name=in=(a', /no "\)"/],
    ['(name==a', /no "\)"/],
    ['name=gt=3', /compares by =gt=/],
    ['name<3', /compares by </],
    ['name=="a', /cannot be read from/],
    ['weight==3', /asks for weight/],
    ['attribute.==3', /asks for attribute\./],
    [`${'('.repeat(30)}name==a${')'.repeat(30)}`, /too many brackets/],
    [`name==${'a'.repeat(5000)}`, /longer than 4096/],
  ])('%.40s cannot be asked, and why is said', (text, message) => {
    expect(refused(() => said(text))).toMatch(/^request\.malformed: /)
    expect(refused(() => said(text))).toMatch(message)
  })
})

describe('a query of things that are named', () => {
  const fields = ['name', 'version', 'type'] as const

  test('says which fields are what', () => {
    expect(exactly(readQuery('NAME=="a b";version==1.0'), fields)).toEqual({
      name: 'a b',
      version: '1.0',
    })
  })

  test.each([
    ['name==a,name==b', /asks more than name==…;version==…;type==…/],
    ['name!=a', /asks more/],
    ['name=in=(a,b)', /asks more/],
    ['vendor==a', /asks more/],
    ['name==a*', /has a \*/],
  ])('%s cannot be asked', (text, message) => {
    expect(refused(() => exactly(readQuery(text), fields))).toMatch(message)
  })
})
