/** `GET /api/{appId}`: an API that trusts the emulator's tokens and tells who called. */
import * as HttpServerResponse from "@effect/platform/HttpServerResponse"
import * as Effect from "effect/Effect"
import type { JWTPayload } from "jose"
import * as Answers from "./answers.js"
import { Asked } from "./asked.js"
import { findApi, type Tenant } from "./directory.js"
import type { World } from "./world.js"

/**
 * The header that Azure Resource Manager sends: sdk/core/Azure.Core/tests/AuthorizationChallengeParserTests.cs of
 * https://github.com/Azure/azure-sdk-for-net. `reason` is ours, without quotes.
 */
const unauthorized = (authority: string, reason: string) =>
  HttpServerResponse.empty({
    status: 401,
    headers: {
      "www-authenticate": `Bearer authorization_uri="${authority}", error="invalid_token", error_description="${reason}"`
    }
  })

/** The origin of an issuer is whatever the client called the emulator; the key tells that it was this emulator. */
const isIssuedFor = ({ iss, tid }: JWTPayload, tenants: ReadonlyArray<Tenant>) =>
  tenants.some(({ id }) => id === tid && iss !== undefined && new URL(iss).pathname === `/${id}/v2.0`)

const bearerPattern = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i

export const answer = (
  world: World,
  appId: string
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, Asked> =>
  Effect.gen(function* () {
    const { request, url } = yield* Asked
    const tenants = world.directory.tenants.filter((tenant) => findApi(tenant, appId) !== undefined)
    const [first] = tenants
    if (first === undefined) return HttpServerResponse.empty({ status: 404 })
    const refuse = (reason: string) => unauthorized(`${url.origin}/${first.id}`, reason)
    const authorization = request.headers.authorization
    if (authorization === undefined) {
      return refuse("The authentication failed because of missing 'Authorization' header.")
    }
    const token = bearerPattern.exec(authorization)?.[1] ?? ""
    const verified = yield* Effect.either(world.key.verify(token, appId, yield* world.now))
    if (verified._tag === "Left") return refuse(verified.left.reason)
    const { tid, appid, roles, xms_cc } = verified.right
    if (!isIssuedFor(verified.right, tenants)) return refuse("The access token is from the wrong issuer.")
    return yield* Answers.json({ ...world, varies: false }, 200, {
      tid: String(tid),
      appid: String(appid),
      roles: strings(roles),
      xms_cc: strings(xms_cc)
    })
  })

const strings = (value: unknown): ReadonlyArray<string> => (Array.isArray(value) ? value.map(String) : [])
