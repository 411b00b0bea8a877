/** Mutations answer with what came of them, or with why nothing did. */
import type { RouteName } from '@updraft/api/routes'
import { DomainError } from '@updraft/core'
import {
  builder,
  type InputFieldMap,
  type InputShapeFromFields,
  type ObjectRef,
  type SchemaTypes,
} from './builder.ts'
import type { GraphqlContext } from './context.ts'
import { type MutationError, MutationErrorType, mutationErrorOf } from './errors.ts'

interface Payload<T> {
  readonly result: T | null
  readonly errors: readonly MutationError[]
}

/** A mutation in place of a route, or beginning with what belongs to that route: its permission is asked first. */
export function mutation<T, Args extends InputFieldMap>(
  name: string,
  {
    route,
    result,
    description,
    args,
    run,
  }: {
    route: RouteName
    result: ObjectRef<SchemaTypes, T, T>
    description: string
    args: Args
    run: (args: InputShapeFromFields<Args>, context: GraphqlContext) => Promise<T>
  },
): void {
  const PayloadType = builder
    .objectRef<Payload<T>>(`${name[0]?.toUpperCase()}${name.slice(1)}Payload`)
    .implement({
      fields: (t) => ({
        result: t.field({
          type: result,
          nullable: true,
          resolve: ({ result }) => result as never,
        }),
        errors: t.field({
          type: [MutationErrorType],
          complexity: 1,
          resolve: ({ errors }) => [...errors],
        }),
      }),
    })
  builder.mutationField(name, (t) =>
    t.field({
      type: PayloadType,
      description,
      args,
      complexity: 10,
      resolve: async (_root, args, context): Promise<Payload<T>> => {
        try {
          const done = await context.asking.under(route, () =>
            run(args as InputShapeFromFields<Args>, context),
          )
          return { result: done, errors: [] }
        } catch (error) {
          if (!(error instanceof DomainError)) throw error
          return { result: null, errors: [mutationErrorOf(error)] }
        }
      },
    }),
  )
}
