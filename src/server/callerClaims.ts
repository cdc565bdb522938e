type Claims = Readonly<Record<string, unknown>>

/** A claim that is a text, and not an empty one. */
export const textOf = (claim: unknown): string | undefined =>
  typeof claim === "string" && claim !== "" ? claim : undefined

/** A claim that is a text or a list of them. */
export const strings = (claim: unknown): ReadonlyArray<string> =>
  (Array.isArray(claim) ? claim : [claim]).flatMap((each) => textOf(each) ?? [])

/**
 * Whether the caller's client has said that it answers claims challenges. The token shows it only where the API asked for this
 * optional claim; its values don't distinguish case.
 *
 * Source: Microsoft identity platform, claims challenges and client capabilities.
 *
 * @internal
 */
export const isCapable = ({ xms_cc }: Claims): boolean =>
  strings(xms_cc).some((capability) => capability.toLowerCase() === "cp1")
