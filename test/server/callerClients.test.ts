import { bearerTokenAuthenticationPolicy, createHttpHeaders, createPipelineRequest } from "@azure/core-rest-pipeline"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { capable, defaults, get, makeServer, type Server, token } from "./calls.js"

/** Calls as Azure's libraries do; their policy wants https, so that the server's address is put in beneath it. */
const azureCall = ({ origin, tokenOf }: Server, path: string) => {
  const asked: Array<string | undefined> = []
  const credential = {
    getToken: async (_: string | Array<string>, { claims }: { readonly claims?: string } = {}) => {
      asked.push(claims)
      const satisfies = claims === undefined ? [] : (["mfa", { authenticationContext: "c1" }] as const)
      return {
        token: await Effect.runPromise(tokenOf({ ...capable, satisfies })),
        expiresOnTimestamp: Date.now() + 3_600_000
      }
    }
  }
  const policy = bearerTokenAuthenticationPolicy({ credential, scopes: defaults.middleTierScope })
  const call = async () => {
    const response = await policy.sendRequest(
      createPipelineRequest({ url: `https://api.example${path}` }),
      async (request) => {
        const authorization = request.headers.get("authorization") ?? ""
        const answer = await Effect.runPromise(get(`${origin}${path}`, { authorization }))
        return {
          request,
          status: answer.status,
          headers: createHttpHeaders(Object.fromEntries(answer.headers)),
          bodyAsText: answer.text
        }
      }
    )
    return { asked, status: response.status, text: response.bodyAsText }
  }
  return Effect.promise(call)
}

describe("@azure/core-rest-pipeline", () => {
  it.scopedLive("understands what Entra demands, and our own step-up", () =>
    Effect.gen(function* () {
      const server = yield* makeServer()
      yield* server.emulator.setPolicies(defaults.apiAppId, [
        { id: "aaaaaaaa-1111-2222-3333-bbbbbbbbbbbb", requires: "mfa" }
      ])
      const demanded = yield* azureCall(server, token(defaults.apiUserScope))
      assert.strictEqual(demanded.status, 200)
      assert.lengthOf(demanded.asked, 2)
      assert.match(demanded.asked[1] ?? "", /^\{"access_token":\{"capolids":/)

      const stepped = yield* azureCall(server, "/do?context=c1")
      assert.strictEqual(stepped.status, 200)
      assert.deepStrictEqual(stepped.asked, [undefined, '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'])
    })
  )

  it.scopedLive("is not led to ask for another token by what is no challenge", () =>
    Effect.gen(function* () {
      const server = yield* makeServer()
      const { asked, status } = yield* azureCall(server, "/own")
      assert.deepStrictEqual([status, asked], [403, [undefined]])
    })
  )
})
