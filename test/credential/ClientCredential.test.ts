import { inspect } from "node:util"
import { FileSystem } from "@effect/platform"
import { NodeFileSystem } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Duration, Effect, Exit, Fiber, Predicate, Redacted, TestClock } from "effect"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as AccessToken from "../../src/core/AccessToken.js"
import type { Scopes } from "../../src/core/scopes.js"
import * as TokenProvider from "../../src/core/TokenProvider.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as FederatedCredential from "../../src/credential/FederatedCredential.js"
import { defaults, layer, options, tokenRequests } from "../support/emulated.js"

class VaultClosed extends Data.TaggedError("VaultClosed")<{ readonly detail: string }> {}

const nobody: ClientCredential.Authentication = {
  clientId: "",
  tenantId: "",
  authority: "entra",
  tokenEndpoint: "",
  audience: "",
  capabilities: [],
  claims: undefined,
  correlationId: "",
  timeout: Duration.seconds(10)
}

const getToken = (credential: ClientCredential.ClientCredential) =>
  Effect.flatMap(ConfidentialClient.make({ ...options, credential }), ({ app }) =>
    app.forScopes(defaults.apiScope).getToken()
  )

describe("an assertion from elsewhere", () => {
  it.scoped("is told for what it is made, and asked for only when a request is sent", () =>
    Effect.gen(function* () {
      const asked: Array<ClientCredential.Authentication> = []
      const credential = ClientCredential.assertion((authentication) => {
        asked.push(authentication)
        return Effect.succeed(Redacted.make("a.b.c"))
      })
      yield* Effect.flip(getToken(credential))
      assert.strictEqual(asked.length, 1)
      assert.deepInclude(asked[0], {
        clientId: defaults.clientId,
        tenantId: defaults.tenantId,
        tokenEndpoint: `https://login.microsoftonline.com/${defaults.tenantId}/oauth2/v2.0/token`
      })
      const [request] = yield* tokenRequests
      assert.strictEqual(request?.form.client_assertion, "<masked>")
      assert.strictEqual(request?.form.client_assertion_type, "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("that can't be had is CredentialUnavailable, which keeps the error and does not print it", () =>
    Effect.gen(function* () {
      const credential = ClientCredential.assertion(() => new VaultClosed({ detail: "hunter2" }))
      const error = yield* Effect.flip(getToken(credential))
      assert(error._tag === "CredentialUnavailable" && error.cause !== undefined)
      assert.isTrue(Predicate.isTagged(Redacted.value(error.cause), "VaultClosed"))
      const shown =
        inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error) + Cause.pretty(Cause.fail(error))
      assert.notInclude(shown, "hunter2")
      assert.strictEqual((yield* tokenRequests).length, 0)
    }).pipe(Effect.provide(layer()))
  )

  const escapes: ReadonlyArray<readonly [string, () => Effect.Effect<Redacted.Redacted>]> = [
    ["throws", () => assert.fail("hunter2")],
    ["dies", () => Effect.dieMessage("hunter2")],
    ["interrupts itself", () => Effect.interrupt],
    ["never ends", () => Effect.never]
  ]
  it.scoped.each(escapes)("that %s is CredentialUnavailable, and the next call is free to try again", ([, make]) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.fork(Effect.exit(getToken(ClientCredential.assertion(make))))
      yield* TestClock.adjust("11 seconds")
      const exit = yield* Fiber.join(fiber)
      assert(Exit.isFailure(exit) && exit.cause._tag === "Fail")
      assert.strictEqual(exit.cause.error._tag, "CredentialUnavailable")
    }).pipe(Effect.provide(layer()))
  )

  it.scoped("that is empty is CredentialUnavailable too", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(getToken(ClientCredential.assertion(() => Effect.succeed(Redacted.make("")))))
      assert.include(error.message, "empty")
      assert.strictEqual((yield* tokenRequests).length, 0)
    }).pipe(Effect.provide(layer()))
  )
})

describe("another identity's token", () => {
  it.scoped("is asked for with the audience of the app's federated credential, and sent as the assertion", () =>
    Effect.gen(function* () {
      const asked: Array<Scopes> = []
      const accessToken = Redacted.make("a.b.c")
      const provider = (made: TokenProvider.TokenProvider<never>): TokenProvider.TokenProvider<never> => ({
        forScopes: (scopes) => {
          asked.push(scopes)
          return made.forScopes(scopes)
        }
      })
      const managedIdentity = provider(TokenProvider.succeed(AccessToken.make({ accessToken })))
      for (const audience of [undefined, "api://AzureADTokenExchangeChina"]) {
        const { authenticate } = yield* FederatedCredential.fromTokenProvider(managedIdentity, { audience }).prepare
        const parameters = yield* authenticate(nobody, Effect.succeed)
        assert.strictEqual(parameters.client_assertion, accessToken)
      }
      assert.deepStrictEqual(asked, ["api://AzureADTokenExchange/.default", "api://AzureADTokenExchangeChina/.default"])
    })
  )

  it.scoped("that can't be had is CredentialUnavailable", () =>
    Effect.gen(function* () {
      const credential = FederatedCredential.fromTokenProvider(TokenProvider.fail(new VaultClosed({ detail: "x" })))
      const { authenticate } = yield* credential.prepare
      const error = yield* Effect.flip(authenticate(nobody, Effect.succeed))
      assert.strictEqual(error._tag, "CredentialUnavailable")
    })
  )
})

describe("a federated token file", () => {
  const file = Effect.gen(function* () {
    const fs = yield* FileSystem.FileSystem
    const path = yield* fs.makeTempFileScoped()
    const write = (content: string) => Effect.orDie(fs.writeFileString(path, content))
    const credential = yield* FederatedCredential.tokenFile(path)
    const { authenticate } = yield* credential.prepare
    const read = authenticate(nobody, Effect.succeed)
    return { fs, path, write, read }
  })

  it.scoped("is read each time, for someone else renews it", () =>
    Effect.gen(function* () {
      const { read, write } = yield* file
      for (const token of ["first", "second"]) {
        yield* write(`${token}\n`)
        const { client_assertion: assertion } = yield* read
        assert.strictEqual(Redacted.isRedacted(assertion) && Redacted.value(assertion), token)
      }
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )

  it.scoped("that is empty, too large, or not there is unavailable, and says why", () =>
    Effect.gen(function* () {
      const { fs, path, read, write } = yield* file
      yield* write(" \n")
      assert.include((yield* Effect.flip(read)).message, "empty")
      yield* write("x".repeat(1024 * 1024 + 1))
      assert.include((yield* Effect.flip(read)).message, "larger than 1 MiB")
      yield* Effect.orDie(fs.remove(path))
      assert.include((yield* Effect.flip(read)).message, "NotFound")
      yield* write("for the scope to remove")
    }).pipe(Effect.provide(NodeFileSystem.layer))
  )
})
