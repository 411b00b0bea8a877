/**
 * Expressions over what is known of a device, in CEL: which devices a group holds, what a list shows. The text is
 * read and checked once; then it is asked of one device here, or of all of them in the store as SQL.
 */
export { compile, MAX_EXPRESSION_LENGTH, type Program } from './expression/compile.ts'
export { evaluate, holds, type Outcome, type Verdict } from './expression/evaluate.ts'
export {
  type DeviceFacts,
  FUNCTIONS,
  installedValue,
  MAX_MATCHED_LENGTH,
  POLICY_VARIABLES,
  VARIABLES,
  type Values,
  type VariableName,
  valuesOf,
} from './expression/language.ts'
export {
  asksOf,
  compilePolicy,
  newerOrOlder,
  type PolicyProgram,
  policyWarnings,
} from './expression/policy.ts'
export { type Comparison, type Literal, partsOf, type Tree } from './expression/tree.ts'
