import { expect, test } from 'vitest'
import { checkedProvisioningText } from './provisioning.ts'

test.each(['x', 'a key/?&', ' ä ', 'x'.repeat(255)])('"%s" is kept as it is', (text) => {
  expect(checkedProvisioningText('key', text)).toBe(text)
})

test.each(['', '  ', 'x'.repeat(256), 'a\nb', 'a\0', 'a\ud800'])('"%s" is refused', (text) => {
  expect(() => checkedProvisioningText('secret', text)).toThrow(
    expect.objectContaining({ code: 'request.malformed' }),
  )
})
