/**
 * The AADSTS error codes explained: for people, never for control flow (codes and texts change without notice).
 *
 * This module carries the whole table; nothing else in the library imports it.
 *
 * @since 0.1.0
 */
import * as Arr from "effect/Array"
import * as Option from "effect/Option"
import { aadstsTable } from "./aadstsTable.js"

export {
  /**
   * @since 0.1.0
   * @category models
   */
  type ErrorDescription,
  /**
   * @since 0.1.0
   * @category parsing
   */
  parseDescription
} from "./errorDescription.js"

/**
 * Our classification of a code, not Microsoft's.
 *
 * @since 0.1.0
 * @category models
 */
export type Category =
  | "conditional_access"
  | "configuration"
  | "consent_required"
  | "credentials"
  | "interaction_required"
  | "request"
  | "service"
  | "throttled"
  | "transient"
  | "unknown"
  | "user"

/**
 * One row of the table.
 *
 * @since 0.1.0
 * @category models
 */
export interface AadstsEntry {
  /** The reference's name of the code, where it gives one. */
  readonly name?: string
  readonly description: string
  readonly remedy: string
  readonly category: Category
  /** Where a code that is not in Microsoft's reference was seen. */
  readonly evidence?: string
}

/**
 * A row with the code it was found by.
 *
 * @since 0.1.0
 * @category models
 */
export interface Explanation extends AadstsEntry {
  /** With its prefix: `AADSTS50076`. */
  readonly code: string
}

const writtenCode = /^(?:AADSTS)?([1-9]\d{1,8})$/i

/**
 * Looks a code up: `50076`, `"50076"` or `"AADSTS50076"`. An unknown code is `None`: it is never guessed from a similar one.
 *
 * @since 0.1.0
 * @category lookups
 */
export const lookup = (code: number | string): Option.Option<Explanation> => {
  const digits = writtenCode.exec(String(code).trim())?.[1]
  if (digits === undefined) return Option.none()
  return Option.map(Option.fromNullable(aadstsTable[Number(digits)]), (entry) => ({
    code: `AADSTS${digits}`,
    ...entry
  }))
}

/**
 * Explains the codes that an error holds, the most specific (the last) first; unknown ones are left out.
 *
 * @since 0.1.0
 * @category lookups
 */
export const explain = (error: { readonly errorCodes: ReadonlyArray<string> }): ReadonlyArray<Explanation> =>
  Arr.filterMap(Arr.reverse(error.errorCodes), lookup)
