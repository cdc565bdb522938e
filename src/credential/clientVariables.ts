import * as Config from "effect/Config"
import * as Authority from "../core/Authority.js"
import type { ClientCredential } from "./ClientCredential.js"

/**
 * What the environment tells of a client: the options that a client is made of.
 *
 * @since 0.1.0
 * @category models
 */
export interface ClientSettings {
  readonly authority: Authority.Authority
  readonly clientId: string
  readonly credential: ClientCredential
}

/**
 * The variables of every client, whatever its credential.
 *
 * @internal
 */
export const clientVariables = {
  tenantId: Config.string("AZURE_TENANT_ID"),
  clientId: Config.string("AZURE_CLIENT_ID"),
  host: Config.withDefault(Config.string("AZURE_AUTHORITY_HOST"), undefined)
}

interface Variables {
  readonly tenantId: string
  readonly clientId: string
  readonly host: string | undefined
}

/** @internal */
export const settings = ({ clientId, host, tenantId }: Variables, credential: ClientCredential): ClientSettings => ({
  authority: Authority.entra({ tenantId, host }),
  clientId,
  credential
})
