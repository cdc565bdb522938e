import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Exit, Fiber, Redacted, Scope, TestClock } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import * as ConfidentialClient from "../../src/client/ConfidentialClient.js"
import * as Region from "../../src/client/region.js"
import * as Authority from "../../src/core/Authority.js"
import { jwtClaims } from "../../src/core/jwtClaims.js"
import * as ClientCertificate from "../../src/credential/ClientCertificate.js"
import * as ClientCredential from "../../src/credential/ClientCredential.js"
import * as Transport from "../../src/protocol/transport.js"
import { appToken } from "../protocol/bodies.js"
import * as Web from "../protocol/web.js"
import { makeCertificate } from "../support/keys.js"

const imds = "http://169.254.169.254/metadata/instance/compute?api-version=2021-02-01"
const nobody = Web.makeWeb(() => Effect.die("nobody is asked"))

/** The region that is found with these variables, and the machine that was asked. */
const find = (
  wanted: string | undefined,
  { machine, variables = {} }: { readonly machine?: Web.Reply; readonly variables?: Record<string, string> } = {}
) =>
  Effect.gen(function* () {
    const web = machine === undefined ? nobody : Web.makeWeb(() => machine)
    const region = yield* Region.make(wanted, Transport.make(web.client))
    return { region, web }
  }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(variables)))))

const located = (location: unknown) => Web.json({ location, name: "vm" })

describe("a region", () => {
  it.scoped.each([
    ["westus2", "westus2"],
    ["West US 2", "westus2"],
    ["EASTUS", "eastus"],
    [" eastus ", "eastus"]
  ] as const)("may be named %s", ([wanted, name]) =>
    Effect.gen(function* () {
      const { region } = yield* find(wanted)
      assert.strictEqual(yield* region, name)
    })
  )

  it.scoped("is none where none is wanted, whatever the variables say", () =>
    Effect.gen(function* () {
      const { region } = yield* find(undefined, { variables: { REGION_NAME: "westus2" } })
      assert.isUndefined(yield* region)
    })
  )

  it.scoped.each([
    "",
    " ",
    "west-us",
    "westus2.evil.example",
    "evil.example/",
    "a@b",
    "a:1",
    "a\n",
    "é",
    "../x",
    "{r}"
  ])("is refused when its name is %j", (wanted) =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(find(wanted))
      assert.strictEqual(failure.parameter, "azureRegion")
    })
  )
})

describe("a region that is to be found", () => {
  const all = { AZURE_REGIONAL_AUTHORITY_NAME: "one", MSAL_FORCE_REGION: "two", REGION_NAME: "Region Three" }

  it.scoped.each([
    ["the first variable", all, "one"],
    ["the second", { ...all, AZURE_REGIONAL_AUTHORITY_NAME: " " }, "two"],
    ["the third, as App Service writes it", { REGION_NAME: "West US 2" }, "westus2"]
  ] as const)("is %s", ([_, variables, name]) =>
    Effect.gen(function* () {
      for (const wanted of ["auto", "AUTO", "TryAutoDetect"])
        assert.strictEqual(yield* (yield* find(wanted, { variables })).region, name)
    })
  )

  it.scoped("is refused by the variable's name when that holds nonsense", () =>
    Effect.gen(function* () {
      for (const name of Object.keys(all))
        assert.strictEqual(
          (yield* Effect.flip(find("auto", { variables: { [name]: "evil.example" } }))).parameter,
          name
        )
    })
  )

  it.scoped.each(["AutoDiscoverRegion", "auto"])("is the machine's when the variable says so: %s", (value) =>
    Effect.gen(function* () {
      const { region } = yield* find("auto", {
        machine: located("westus2"),
        variables: { AZURE_REGIONAL_AUTHORITY_NAME: value }
      })
      assert.strictEqual(yield* region, "westus2")
    })
  )

  it.scoped("is the machine's, which is asked once however many ask, and not before", () =>
    Effect.gen(function* () {
      const { region, web } = yield* find("auto", { machine: Effect.delay(located("westus2"), "1 second") })
      assert.lengthOf(web.asked, 0)
      const all = yield* Effect.fork(
        Effect.all(
          Array.from({ length: 100 }, () => region),
          { concurrency: "unbounded" }
        )
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(new Set(yield* Fiber.join(all)), new Set(["westus2"]))
      assert.strictEqual(yield* region, "westus2")
      assert.lengthOf(web.asked, 1)
      assert.deepInclude(web.asked[0], { method: "GET", url: imds })
      assert.strictEqual(web.asked[0]?.headers.metadata, "true")
    })
  )

  it.scoped.each<readonly [string, Web.Reply]>([
    ["nobody is there", Effect.fail("EHOSTUNREACH")],
    ["nobody answers within 2 seconds", Effect.delay(located("westus2"), "2001 millis")],
    ["it is refused", Web.json({ location: "westus2" }, 403)],
    ["it is busy", Web.text("", 429, { "retry-after": "1" })],
    ["it is led elsewhere", Web.text("", 302, { location: "http://evil.example" })],
    ["the answer is nonsense", Web.text("<html>")],
    ["there is no location", Web.json({})],
    ["the location is no name", located("evil.example/")],
    ["the location is empty", located("")],
    ["the location is a number", located(7)]
  ])("is none where %s, and that is remembered", ([_, machine]) =>
    Effect.gen(function* () {
      const { region, web } = yield* find("auto", { machine })
      const first = yield* Effect.fork(region)
      yield* TestClock.adjust("2 seconds")
      assert.isUndefined(yield* Fiber.join(first))
      yield* TestClock.adjust("1 hour")
      assert.isUndefined(yield* region)
      assert.lengthOf(web.asked, 1)
    })
  )

  it.scoped("is waited for by those who stay when the first one goes", () =>
    Effect.gen(function* () {
      const { region, web } = yield* find("auto", { machine: Effect.delay(located("westus2"), "1 second") })
      const [first, second] = yield* Effect.all([Effect.fork(region), Effect.fork(region)])
      yield* Effect.repeatN(Effect.yieldNow(), 50)
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(second), "westus2")
      assert.lengthOf(web.asked, 1)
    })
  )

  it.effect("is none when the client is closed meanwhile", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { region } = yield* Scope.extend(find("auto", { machine: Effect.never }), scope)
      const asking = yield* Effect.fork(region)
      yield* Effect.repeatN(Effect.yieldNow(), 50)
      yield* Scope.close(scope, Exit.void)
      assert.isUndefined(yield* Fiber.join(asking))
    })
  )
})

describe("the app's requests", () => {
  const tenantId = "abcdef11-2222-3333-4444-55555555abcd"
  const near = "westus2.login.microsoft.com"
  const far = "login.microsoftonline.com"
  const endpoint = (host: string) => `https://${host}/${tenantId}/oauth2/v2.0/token`

  const clientOf = (change: Partial<ConfidentialClient.Options>, reply: (asked: Web.Asked) => Web.Reply) =>
    Effect.gen(function* () {
      const web = Web.makeWeb(reply)
      const client = yield* ConfidentialClient.make({
        authority: Authority.entra({ tenantId }),
        clientId: "client",
        credential: ClientCredential.secret(Redacted.make("secret")),
        azureRegion: "West US 2",
        ...change
      }).pipe(Effect.provide(TokenCache.layerMemory()), Effect.provideService(HttpClient.HttpClient, web.client))
      const get = (scope: string) => Effect.either(client.app.forScopes(scope).getToken({ forceRefresh: true }))
      return { ...client, get, web, hosts: () => web.asked.splice(0).map(({ host }) => host) }
    })

  const token = Web.json(appToken)

  it.scoped("go to its region, and the token is that of the cloud", () =>
    Effect.gen(function* () {
      const { app, web } = yield* clientOf({}, () => token)
      yield* app.forScopes("api://x/.default").getToken()
      assert.deepStrictEqual(web.urls(), [endpoint(near)])
    })
  )

  it.scoped("go to the region that the machine tells", () =>
    Effect.gen(function* () {
      const { app, web } = yield* clientOf({ azureRegion: "auto" }, ({ url }) =>
        url === imds ? located("northeurope") : token
      )
      yield* Effect.all([app.forScopes("api://x/.default").getToken(), app.forScopes("api://y/.default").getToken()], {
        concurrency: 2
      })
      const northern = endpoint("northeurope.login.microsoft.com")
      assert.deepStrictEqual(web.urls(), [imds, northern, northern])
      assert.notInclude(web.asked[0]?.form.toString() ?? "", "secret")
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map())))
  )

  it.scoped("go to the global host where the machine tells none", () =>
    Effect.gen(function* () {
      const { app, web } = yield* clientOf({ azureRegion: "auto" }, ({ url }) =>
        url === imds ? Effect.fail("EHOSTUNREACH") : token
      )
      yield* app.forScopes("api://x/.default").getToken()
      assert.deepStrictEqual(web.urls(), [imds, endpoint(far)])
    }).pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map())))
  )

  it.scoped("prove who the client is to the host that is asked", () =>
    Effect.gen(function* () {
      const credential = ClientCertificate.fromPem(yield* Effect.promise(() => makeCertificate()))
      let isDown = false
      const { get, web } = yield* clientOf(
        { credential, retryPolicy: { attempts: 1, breaker: { outcomes: 1, keys: 1 } } },
        ({ host }) => (isDown && host === near ? Effect.fail("ECONNREFUSED") : token)
      )
      yield* get("api://x/.default")
      isDown = true
      yield* get("api://x/.default")
      yield* get("api://x/.default")
      const audiences = web.asked.map(({ form }) => jwtClaims(form.get("client_assertion") ?? "")?.aud)
      assert.deepStrictEqual(web.urls(), [endpoint(near), endpoint(near), endpoint(far)])
      assert.deepStrictEqual(audiences, web.urls())
    })
  )

  it.scoped("go to the global host while the region's circuit is open, and back when it answers again", () =>
    Effect.gen(function* () {
      let isDown = true
      const { get, health, hosts } = yield* clientOf({ retryPolicy: { attempts: 1 } }, ({ host }) =>
        isDown && host === near ? Effect.fail("ECONNREFUSED") : token
      )
      const scopes = Array.from({ length: 12 }, (_, index) => `api://${index}/.default`)
      for (const scope of scopes) yield* get(scope)
      assert.deepStrictEqual(hosts(), [...Array<string>(10).fill(near), far, far])
      assert.deepStrictEqual((yield* health).circuits, { [near]: "open", [far]: "closed" })

      yield* TestClock.adjust(Duration.seconds(30))
      yield* get("api://1/.default")
      yield* get("api://1/.default")
      assert.deepStrictEqual(hosts(), [near, far], "one tries, and the others need not wait")

      isDown = false
      yield* TestClock.adjust(Duration.seconds(30))
      yield* get("api://1/.default")
      yield* get("api://2/.default")
      assert.deepStrictEqual(hosts(), [near, near])
      assert.strictEqual((yield* health).circuits[near], "closed")
    })
  )

  it.scoped("of one caller reach the global host within its own retries", () =>
    Effect.gen(function* () {
      const { app, hosts } = yield* clientOf({ retryPolicy: { breaker: { outcomes: 2 } } }, ({ host }) =>
        host === near ? Effect.fail("ENOTFOUND") : token
      )
      const asking = yield* Effect.fork(app.forScopes("api://x/.default").getToken())
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(asking)
      assert.deepStrictEqual(hosts(), [near, near, far])
    })
  )

  it.scoped("don't go elsewhere for an answer that is no outage", () =>
    Effect.gen(function* () {
      const { get, hosts } = yield* clientOf({ retryPolicy: { attempts: 1, breaker: { outcomes: 1, keys: 1 } } }, () =>
        Web.json({ error: "invalid_scope", error_codes: [100007] }, 400)
      )
      for (const scope of ["api://a/.default", "api://b/.default"]) yield* get(scope)
      assert.deepStrictEqual(hosts(), [near, near])
    })
  )

  it.scoped("go to where they always go at authorities without regions", () =>
    Effect.gen(function* () {
      const authority = Authority.externalId({ tenant: "contoso" })
      const { app, hosts } = yield* clientOf({ authority }, () => token)
      yield* app.forScopes("api://x/.default").getToken()
      assert.deepStrictEqual(hosts(), ["contoso.ciamlogin.com"])
    })
  )

  it.effect("are refused before anything is sent when the region's name is nonsense", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(Effect.scoped(clientOf({ azureRegion: "evil.example" }, () => token)))
      assert.strictEqual(failure.parameter, "azureRegion")
    })
  )
})
