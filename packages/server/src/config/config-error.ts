/** A setting that cannot be used, said in a sentence for whoever typed it. */
export class ConfigError extends Error {}
