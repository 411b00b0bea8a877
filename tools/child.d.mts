/** As much of child.mjs as TypeScript uses. */
export const leashOption: string
