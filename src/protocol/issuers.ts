import { isGuid } from "../core/guid.js"

const placeholder = /\{tenant(?:id)?\}/i

/**
 * The issuer that a token of a tenant must name, by what the metadata says: Entra writes a place for the tenant where its
 * endpoints are for the users of many.
 *
 * Source: Microsoft identity platform, OpenID Connect (issuer of the metadata).
 *
 * @internal
 */
export const issuerFor = (published: string, tenantId: unknown): string | undefined => {
  if (!placeholder.test(published)) return published
  return typeof tenantId === "string" && isGuid(tenantId) ? published.replace(placeholder, tenantId) : undefined
}
