import * as Redacted from "effect/Redacted"
import type { GetRequest, PostRequest } from "../protocol/transport.js"
import { type Detected, manners } from "./identitySource.js"
import type { UserAssigned } from "./userAssigned.js"

/** What a source is asked. */
export interface IdentityQuestion {
  readonly resource: string
  readonly identity: UserAssigned | undefined
  readonly capabilities: ReadonlyArray<string>
  /** SHA-256 of the token that its resource refused, in hexadecimal digits. */
  readonly revoked: string | undefined
  readonly correlationId: string
}

type Parameters = Readonly<Record<string, string | undefined>>

const present = (parameters: Parameters): ReadonlyArray<readonly [string, string]> =>
  Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))

const identityParameter = (detected: Detected, identity: UserAssigned | undefined): Parameters => {
  const names = manners[detected.source].identity
  if (identity !== undefined) return { [names[identity.kind] ?? identity.kind]: identity.id }
  return { [names.clientId ?? "client_id"]: detected.defaultClientId }
}

const parametersOf = (detected: Detected, question: IdentityQuestion): ReadonlyArray<readonly [string, string]> => {
  const { apiVersion, takesRevocation } = manners[detected.source]
  const { capabilities, identity, resource, revoked } = question
  return present({
    "api-version": detected.apiVersion ?? apiVersion,
    resource,
    ...identityParameter(detected, identity),
    ...(takesRevocation && {
      xms_cc: capabilities.length === 0 ? undefined : capabilities.join(","),
      token_sha256_to_refresh: revoked
    })
  })
}

const headersOf = ({ secret, source }: Detected, correlationId: string): GetRequest["headers"] => {
  const { secretHeader, wantsMetadata } = manners[source]
  return {
    accept: "application/json",
    "x-ms-client-request-id": correlationId,
    ...(wantsMetadata && { metadata: "true" }),
    ...(secretHeader !== undefined && { [secretHeader]: secret ?? Redacted.make("") })
  }
}

const withQuery = (endpoint: URL, parameters: ReadonlyArray<readonly [string, string]>): string => {
  const url = new URL(endpoint)
  for (const [name, value] of parameters) url.searchParams.set(name, value)
  return url.href
}

type IdentityRequest =
  | ({ readonly method: "GET" } & Omit<GetRequest, "timeout">)
  | ({ readonly method: "POST" } & Omit<PostRequest, "timeout">)

/**
 * How a source is asked for a token.
 *
 * @internal
 */
export const identityRequest = (detected: Detected, question: IdentityQuestion): IdentityRequest => {
  const { method } = manners[detected.source]
  const parameters = parametersOf(detected, question)
  const { endpoint } = detected
  const common = { host: endpoint.host, headers: headersOf(detected, question.correlationId) }
  return method === "GET"
    ? { method, ...common, url: withQuery(endpoint, parameters) }
    : { method, ...common, url: endpoint.href, form: Object.fromEntries(parameters) }
}
