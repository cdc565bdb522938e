import type { ResolvedAuthority } from "../core/Authority.js"

/**
 * B2C's policies may share an issuer, so the token names its own: `tfp`, in older tokens `acr`.
 *
 * @internal
 */
export const isOfAnotherPolicy = (
  { acr, tfp = acr }: Readonly<Record<string, unknown>>,
  { policy }: ResolvedAuthority
): boolean => policy !== undefined && !(typeof tfp === "string" && tfp.toLowerCase() === policy)
