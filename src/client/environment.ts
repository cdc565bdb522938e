import * as Config from "effect/Config"
import type * as ConfigError from "effect/ConfigError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const isFilled = (value: string): boolean => value.trim() !== ""

/**
 * A variable of the environment; one that is empty, or blank, counts as absent.
 *
 * @internal
 */
export const variable = (name: string): Effect.Effect<string | undefined> =>
  Effect.map(Effect.option(Config.string(name)), (value) => Option.getOrUndefined(Option.filter(value, isFilled)))

/**
 * Several of them, by name.
 *
 * @internal
 */
export const variables = <const Names extends ReadonlyArray<string>>(
  names: Names
): Effect.Effect<Readonly<Record<Names[number], string | undefined>>> =>
  Effect.map(
    Effect.forEach(names, (name) => Effect.map(variable(name), (value) => [name, value] as const)),
    (entries) => Object.fromEntries(entries) as Record<Names[number], string | undefined>
  )

/**
 * The variables that an error tells of.
 *
 * @internal
 */
export const variablesOf = (error: ConfigError.ConfigError): ReadonlyArray<string> =>
  error._op === "And" || error._op === "Or"
    ? [...variablesOf(error.left), ...variablesOf(error.right)]
    : [error.path.join("_")]
