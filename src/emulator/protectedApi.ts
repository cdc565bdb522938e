/**
 * `/api/{appId}` and every path below, by any method: an API that trusts the emulator's tokens and tells what was asked,
 * who called, and in whose name. It demands the authentication contexts of its policies of every user's token, and takes
 * part in Continuous Access Evaluation if the directory says so.
 */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { JWTPayload } from "jose"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import * as BearerChallenge from "./bearerChallenge.js"
import * as ConditionalAccess from "./conditionalAccess.js"
import * as ContinuousAccess from "./continuousAccess.js"
import * as DemandedClaims from "./demandedClaims.js"
import { type Api, findApi, type Tenant } from "./directory.js"
import * as Faults from "./faults.js"
import type { World } from "./world.js"

/**
 * The origin of an issuer is whatever the client called the emulator; the key tells that it was this emulator. Issuers of
 * B2C end with a slash, and may name the policy.
 */
const isIssuedFor = ({ iss = "", tid }: JWTPayload, tenants: ReadonlyArray<Tenant>) =>
  tenants.some(({ id }) => {
    if (id !== tid || !URL.canParse(iss)) return false
    const { pathname } = new URL(iss)
    return pathname === `/${id}/v2.0` || pathname === `/${id}/v2.0/` || pathname.startsWith(`/tfp/${id}/`)
  })

const strings = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])

const missingContext = (world: World, api: Api, { scp, acrs }: JWTPayload): string | undefined =>
  scp === undefined
    ? undefined
    : ConditionalAccess.contextsOf(world, api).find((context) => !strings(acrs).includes(context))

/**
 * Why a valid token is not enough. For a context a client that declared cp1 gets a challenge, any other a plain refusal
 * (https://learn.microsoft.com/entra/identity-platform/developer-guide-conditional-access-authentication-context).
 */
const demand = (world: World, origin: string, api: Api, token: JWTPayload) => {
  const isCapable = ContinuousAccess.isCapable(strings(token.xms_cc))
  const challenge = (claims: string) => BearerChallenge.insufficientClaims(origin, api.appId, claims)
  const news = isCapable ? ContinuousAccess.demand(world, api, token) : undefined
  if (news !== undefined) return challenge(news)
  const context = missingContext(world, api, token)
  if (context === undefined) return undefined
  return isCapable
    ? challenge(DemandedClaims.essential("acrs", { value: context }))
    : HttpServerResponse.empty({ status: 403 })
}

const bearerPattern = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

const call = (world: World, appId: string): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.gen(function* () {
    const { request, url, bodyLength, tooLarge } = yield* Asked
    const tenants = world.directory.tenants.filter((tenant) => findApi(tenant, appId) !== undefined)
    const [first] = tenants
    const api = first === undefined ? undefined : findApi(first, appId)
    if (first === undefined || api === undefined) return HttpServerResponse.empty({ status: 404 })
    const refuse = (reason: string) => BearerChallenge.invalidToken(`${url.origin}/${first.id}`, reason)
    const authorization = request.headers.authorization
    if (authorization === undefined) {
      return refuse("The authentication failed because of missing 'Authorization' header.")
    }
    const token = bearerPattern.exec(authorization)?.[1] ?? ""
    const verified = yield* Effect.either(world.key.verify(token, appId, yield* world.now))
    if (verified._tag === "Left") return refuse(verified.left.reason)
    if (!isIssuedFor(verified.right, tenants)) return refuse("The access token is from the wrong issuer.")
    const demanded = demand(world, url.origin, api, verified.right)
    if (demanded !== undefined) return demanded
    if (tooLarge) return HttpServerResponse.empty({ status: 413 })
    const { tid, appid, azp, roles, xms_cc, scp, oid, acrs } = verified.right
    return yield* Answers.json({ ...world, varies: false }, 200, {
      method: request.method,
      path: url.pathname,
      bodyLength,
      tid: String(tid),
      appid: String(appid ?? azp),
      roles: strings(roles),
      xms_cc: strings(xms_cc),
      ...(scp === undefined ? undefined : { scp: String(scp), oid: String(oid), acrs: strings(acrs) })
    })
  })

/** The next fault that was scripted for APIs, or else the normal answer. */
export const answer = (
  world: World,
  appId: string
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Faults.playNext(world, world.apiFaults, call(world, appId))
