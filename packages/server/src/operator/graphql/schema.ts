/** All of the schema: each noun adds itself to it. */
import './scalars.ts'
import './tenant.ts'
import './profile.ts'
import './model.ts'
import './group.ts'
import './release.ts'
import './operation.ts'
import './device.ts'
import './assignment.ts'
import './campaign.ts'
import './campaign-mutations.ts'
import './subscriptions.ts'
import { lexicographicSortSchema, printSchema } from 'graphql'
import { builder } from './builder.ts'

export const schema = builder.toSchema()

/** As `docs/schema.graphql` has it. */
export const schemaText = (): string => `${printSchema(lexicographicSortSchema(schema))}\n`
