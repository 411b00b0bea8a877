/** What the schema is built with. */
import SchemaBuilder, {
  type InputFieldMap,
  type InputShapeFromFields,
  type ObjectRef,
} from '@pothos/core'
import complexity from '@pothos/plugin-complexity'
import type { Json } from '@updraft/core'
import type { GraphqlContext } from './context.ts'
import type { Upload } from './upload.ts'

interface OwnTypes {
  Context: GraphqlContext
  DefaultFieldNullability: false
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: string; Output: string }
    JSON: { Input: Json; Output: unknown }
    Upload: { Input: Upload; Output: never }
  }
}

export const builder = new SchemaBuilder<OwnTypes>({
  plugins: [complexity],
  defaultFieldNullability: false,
})

export type SchemaTypes = typeof builder.$inferSchemaTypes

export type { InputFieldMap, InputShapeFromFields, ObjectRef }

builder.queryType({ description: 'What can be read.' })
builder.mutationType({
  description:
    'What can be changed. What is refused stands in `errors` of the answer, and `result` is null then.',
})
builder.subscriptionType({
  description:
    'What happens, as server-sent events. Word of it is gathered; what is told is what is so by then.',
})
