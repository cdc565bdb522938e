import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Endpoints, Metadata, ResolvedAuthority } from "../core/Authority.js"
import { ConfigurationError } from "../core/TokenError.js"
import * as Documents from "./documents.js"
import type { Transport } from "./transport.js"
import { trusted } from "./trust.js"
import { InstanceMetadata, ProviderMetadata, reader } from "./wire.js"

/** What is known of authorities, or can be read from them. */
export interface Discovery {
  /** Where a secret may go: known, or published by the authority; an unknown host of Entra is looked up first. */
  readonly tokenEndpoint: (
    authority: ResolvedAuthority,
    timeout: Duration.Duration
  ) => Effect.Effect<string, Documents.DocumentFailure>
  readonly metadata: (
    authority: ResolvedAuthority,
    timeout: Duration.Duration
  ) => Effect.Effect<Metadata, Documents.DocumentFailure>
}

const noMetadata = ({ host, url }: Documents.DocumentRequest, error: string | undefined) =>
  error === "invalid_tenant"
    ? new ConfigurationError({
        parameter: "tenantId",
        expected: `a tenant that ${host} knows`,
        remedy: "Copy the tenant id from the Entra admin center's overview, and check the cloud."
      })
    : new ConfigurationError({
        parameter: "authority",
        expected: `an authority that publishes its metadata at ${url}`,
        remedy: "Check host, tenant and policy, or supply the metadata (Authority.custom)."
      })

const unknownInstance = ({ host }: Documents.DocumentRequest) =>
  new ConfigurationError({
    parameter: "authority",
    expected: `a host that ${host} knows as one of Entra's`,
    remedy: "Check its spelling; a closed cloud's host is trusted by instanceDiscovery: false."
  })

const hostOf = (url: string): string => new URL(url).host

/**
 * @internal
 */
export const make = (transport: Transport): Effect.Effect<Discovery, never, Scope.Scope> =>
  Effect.gen(function* () {
    const providers = yield* Documents.make(transport, {
      read: reader(ProviderMetadata, "token_endpoint"),
      refuse: noMetadata
    })
    const instances = yield* Documents.make(transport, {
      read: reader(InstanceMetadata, "tenant_discovery_endpoint"),
      refuse: unknownInstance
    })

    const known = ({ instanceDiscovery: url }: ResolvedAuthority, timeout: Duration.Duration) =>
      url === undefined ? Effect.void : instances.get({ url, host: hostOf(url), timeout })

    const published = (authority: ResolvedAuthority, url: string, timeout: Duration.Duration) =>
      Effect.flatMap(providers.get({ url, host: authority.host, timeout }), (found) => trusted(authority, found))

    const metadata: Discovery["metadata"] = (authority, timeout) =>
      typeof authority.metadata === "string"
        ? Effect.zipRight(known(authority, timeout), published(authority, authority.metadata, timeout))
        : Effect.succeed(authority.metadata)

    const tokenEndpoint = (endpoints: Endpoints, authority: ResolvedAuthority, timeout: Duration.Duration) =>
      authority.instanceDiscovery === undefined
        ? Effect.succeed(endpoints.token)
        : Effect.as(known(authority, timeout), endpoints.token)

    return {
      metadata,
      tokenEndpoint: (authority, timeout) =>
        authority.endpoints === undefined
          ? Effect.map(metadata(authority, timeout), (found) => found.tokenEndpoint)
          : tokenEndpoint(authority.endpoints, authority, timeout)
    }
  })
