/**
 * What is the same at every endpoint for managed identities: who may ask, for which identity and resource, and the token
 * or the refusal, in the words of that kind of host.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Answers from "./answers.js"
import { Asked, type Facts } from "./asked.js"
import * as Chance from "./chance.js"
import { identitiesOf, type ManagedIdentity, same } from "./directory.js"
import * as Faults from "./faults.js"
import * as IdentityTokens from "./identityTokens.js"
import type { World } from "./world.js"

/** A refusal, before a host writes it in its own shape; `more` goes beside the code and the text where it may. */
export class Refused extends Data.TaggedError("Refused")<{
  readonly status: number
  readonly code: string
  readonly text: string
  readonly more?: Chance.Members | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}> {}

/** How a request names an identity. */
export type Name = "clientId" | "objectId" | "resourceId"

export interface Issued {
  readonly accessToken: string
  readonly identity: ManagedIdentity
  /** Whether the request named the identity. */
  readonly isNamed: boolean
  readonly resource: string
  /** Epoch seconds. */
  readonly now: number
  readonly issuedAt: number
  readonly expiresAt: number
}

/** How one kind of host says why there is no token. */
export interface Words {
  readonly wrongMethod: Refused
  readonly noResource: Refused
  /** No identity, or none that a request may take without naming it. */
  readonly noIdentity: Refused
  readonly unknownIdentity: Refused
  readonly severalIdentities: Refused
  /** Entra's refusal is given with its members, for those who pass it on. */
  readonly unknownResource: (resource: string, entra: Chance.Members) => Refused
}

/** One kind of host. */
export interface Host {
  readonly name: string
  readonly method: "GET" | "POST"
  /** Whether a request is too incomplete to be more than a look whether somebody is there: it plays no fault. */
  readonly isProbe: (request: Facts["request"]) => boolean
  /** Who may ask, and in which version. */
  readonly admit: (asked: Facts) => Effect.Effect<void, Refused>
  /** The parameters that name an identity. */
  readonly names: Readonly<Record<string, Name>>
  /** Whether the only user-assigned identity is meant where the system assigned none and the request names none. */
  readonly takesOnlyIdentity: boolean
  /** Whether it knows `xms_cc` and `token_sha256_to_refresh`. */
  readonly knowsRevocation: boolean
  readonly words: Words
  readonly members: (issued: Issued) => Effect.Effect<Chance.Members>
  readonly optional: ReadonlyArray<string>
  readonly refusal: (refused: Refused, asked: Facts) => Chance.Members
  readonly headers: Readonly<Record<string, string>>
}

/** Whether a date that stands for a version is this one or a later one. */
export const isSince = (version: string, first: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= first

export const versionOf = ({ url }: Facts): string => url.searchParams.get("api-version") ?? ""

/** "Lower case", says https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
export const lacksMetadata = ({ headers }: Facts["request"]): boolean => headers.metadata !== "true"

export const parametersOf = ({ form, request, url }: Facts): URLSearchParams =>
  request.method === "POST" ? form : url.searchParams

interface Selected {
  readonly identity: ManagedIdentity
  readonly isNamed: boolean
}

/** What names an identity and is not empty. */
const namesIn = (host: Host, parameters: URLSearchParams): ReadonlyArray<readonly [Name, string]> =>
  Object.entries(host.names).flatMap(([parameter, name]) =>
    parameters
      .getAll(parameter)
      .filter((value) => value !== "")
      .map((value) => [name, value] as const)
  )

const select = ({ directory }: World, host: Host, parameters: URLSearchParams): Effect.Effect<Selected, Refused> => {
  const names = namesIn(host, parameters)
  if (names.length > 0) {
    const identity = identitiesOf(directory).find((each) => names.every(([name, value]) => same(each[name], value)))
    return identity === undefined
      ? Effect.fail(host.words.unknownIdentity)
      : Effect.succeed({ identity, isNamed: true })
  }
  const { systemAssigned, userAssigned: [only, ...others] = [] } = directory.machine ?? {}
  if (systemAssigned !== undefined) return Effect.succeed({ identity: systemAssigned, isNamed: false })
  if (only === undefined || !host.takesOnlyIdentity) return Effect.fail(host.words.noIdentity)
  return others.length > 0
    ? Effect.fail(host.words.severalIdentities)
    : Effect.succeed({ identity: only, isNamed: false })
}

const json = (world: World, host: Host, status: number, members: Chance.Members, headers = {}) =>
  Effect.gen(function* () {
    const body = world.varies ? yield* Chance.vary(members, status === 200 ? host.optional : []) : members
    return HttpServerResponse.text(JSON.stringify(body), {
      status,
      contentType: "application/json; charset=utf-8",
      headers: { ...host.headers, ...headers }
    })
  })

/** What Entra would tell the host, in the host's words. */
const passedOn = (world: World, host: Host, resource: string) => (refusal: Answers.Refusal) =>
  Effect.flatMap(Answers.membersOf(world, refusal), (entra) => Effect.fail(host.words.unknownResource(resource, entra)))

const issue = (world: World, host: Host) =>
  Effect.gen(function* () {
    const asked = yield* Asked
    if (asked.request.method !== host.method) return yield* host.words.wrongMethod
    yield* host.admit(asked)
    const parameters = parametersOf(asked)
    const [resource = "", ...others] = parameters.getAll("resource")
    if (resource === "" || others.length > 0) return yield* host.words.noResource
    const { identity, isNamed } = yield* select(world, host, parameters)
    const known = host.knowsRevocation ? parameters : new URLSearchParams()
    const { accessToken, expiresAt, issuedAt } = yield* IdentityTokens.get(world, {
      host: host.name,
      identity,
      resource,
      capabilities: IdentityTokens.capabilitiesOf(known.get("xms_cc") ?? ""),
      rejected: known.get("token_sha256_to_refresh") ?? undefined
    }).pipe(Effect.catchTag("Refusal", passedOn(world, host, resource)))
    const members = yield* host.members({
      accessToken,
      identity,
      isNamed,
      resource,
      now: Math.floor((yield* world.now) / 1000),
      issuedAt: Math.floor(issuedAt / 1000),
      expiresAt: Math.floor(expiresAt / 1000)
    })
    return yield* json(world, host, 200, members)
  })

/** The next fault that was scripted for managed identities, or else the normal answer; a probe plays none. */
export const answer = (world: World, host: Host): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.flatMap(Asked, (asked) => {
    const normal = Effect.catchTag(issue(world, host), "Refused", (refused) =>
      json(world, host, refused.status, host.refusal(refused, asked), refused.headers)
    )
    return host.isProbe(asked.request) ? normal : Faults.playNext(world, world.identityFaults, normal)
  })
