/** Conditional Access: what a sign-in has to prove before there is a token for an API. */
import * as Effect from "effect/Effect"
import type { Checked } from "./answers.js"
import type { ClaimsRequest } from "./claimsRequest.js"
import type { Api, App, Policy, Requirement, Tenant, User } from "./directory.js"
import * as Locations from "./locations.js"
import * as Refusals from "./refusals.js"
import type { World } from "./world.js"

const proofOf = (requirement: Requirement): string =>
  typeof requirement === "string" ? requirement : requirement.authenticationContext

export const policiesOf = (world: World, api: Api): ReadonlyArray<Policy> =>
  world.memory.policies.get(api.appId.toLowerCase()) ?? api.policies ?? []

/** Who wants a token, and with which application. */
export interface Subject {
  readonly user: User
  readonly app: App
}

/** That of people and applications of whom a second factor is demanded, whatever the API. */
export const secondFactor: Policy = { id: "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", requires: "mfa" }

const personal = ({ memory }: World, { user, app }: Subject): ReadonlyArray<Policy> => {
  const isDemanded = memory.secondFactors.get(user.username.toLowerCase()) ?? user.requiresMfa === true
  return isDemanded || app.requiresMfa === true ? [secondFactor] : []
}

/** Demands a second factor for an API, or no longer, beside what else its policies demand. */
export const requireMfa = (world: World, api: Api, isRequired: boolean): void => {
  const others = policiesOf(world, api).filter(({ requires }) => requires !== "mfa")
  world.memory.policies.set(api.appId.toLowerCase(), isRequired ? [...others, secondFactor] : others)
}

/** What every sign-in of a person proves. */
export const always = (user: User): ReadonlyArray<string> => (user.satisfies ?? []).map(proofOf)

/** No sign-in changes where a person is. */
const provable = ({ requires }: Policy): ReadonlyArray<string> =>
  requires === "block" || (typeof requires === "object" && "addresses" in requires) ? [] : [proofOf(requires)]

/** What a sign-in with a person in front of it proves besides: all that the APIs demand, and all that `claims` asks. */
export const interactively = (
  world: World,
  tenant: Tenant,
  who: Subject,
  apis: ReadonlyArray<Api>,
  claims: ClaimsRequest
): ReadonlyArray<string> => {
  const ofApis = apis.flatMap((api) => policiesOf(world, api)).filter(({ requires }) => typeof requires === "string")
  const asked = [...ofApis, ...personal(world, who)]
  const known = [...tenant.apis.flatMap((api) => policiesOf(world, api)), secondFactor]
  const named = known.filter(({ id }) => claims.policies.includes(id))
  return [...[...asked, ...named].flatMap(provable), ...claims.contexts]
}

const isClosed = (world: World, { username }: User, { requires }: Policy): boolean => {
  if (typeof requires === "string") return requires === "block"
  return "addresses" in requires && !requires.addresses.includes(Locations.of(world.memory, username).address)
}

/** Whether a policy of the API lets nobody in, or nobody from where this person is. */
export const admit = (world: World, api: Api, user: User): Checked<void> =>
  policiesOf(world, api).some((policy) => isClosed(world, user, policy))
    ? Effect.fail(Refusals.blockedByPolicy)
    : Effect.void

/**
 * The refusal of a token for an API whose policy asks for more than the sign-in has proven. An authentication context is
 * the API's own affair, until a request asks for it.
 */
export const demand = (
  world: World,
  api: Api,
  who: Subject,
  proofs: ReadonlySet<string>,
  { contexts }: ClaimsRequest,
  error: Refusals.PolicyError
): Checked<void> =>
  Effect.gen(function* () {
    yield* admit(world, api, who.user)
    for (const { id, requires } of [...policiesOf(world, api), ...personal(world, who)]) {
      if (requires === "mfa" && !proofs.has(requires)) return yield* Refusals.mfaRequired(id, error)
      if (requires === "compliantDevice" && !proofs.has(requires)) return yield* Refusals.deviceRequired(id, error)
    }
    const context = contexts.find((each) => !proofs.has(each))
    if (context !== undefined) return yield* Refusals.contextRequired(context, error)
  })

/** The contexts that the API itself demands of the tokens that it gets. */
export const contextsOf = (world: World, api: Api): ReadonlyArray<string> =>
  policiesOf(world, api).flatMap(({ requires }) =>
    typeof requires === "object" && "authenticationContext" in requires ? [requires.authenticationContext] : []
  )
