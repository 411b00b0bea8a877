import { expect, test } from 'vitest'
import { schemaText } from './schema.ts'

test('the schema is as docs/schema.graphql has it', async () => {
  await expect(schemaText()).toMatchFileSnapshot('../../../../../docs/schema.graphql')
})
