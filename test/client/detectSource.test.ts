import { inspect } from "node:util"
import { HttpClient } from "@effect/platform"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, FastCheck, Redacted } from "effect"
import { detectSource } from "../../src/client/detectSource.js"
import type { Detected } from "../../src/client/identitySource.js"
import type { MachineService } from "../../src/client/Machine.js"

type Variables = Readonly<Record<string, string>>

/** A machine of which nothing may be asked but whether it has the agent of Azure Arc. */
const machine = (hasArcAgent: boolean): MachineService => {
  const never = Effect.dieMessage("nothing is sent or read while a source is looked for")
  return {
    isWindows: false,
    systemFolder: "/",
    direct: HttpClient.make(() => never),
    pinned: () => never,
    hasArcAgent: Effect.succeed(hasArcAgent),
    arcKey: () => never
  }
}

const detect = (variables: Variables, hasArcAgent = false) =>
  Effect.withConfigProvider(
    detectSource(machine(hasArcAgent)),
    ConfigProvider.fromMap(new Map(Object.entries(variables)))
  )

/** What was found, its secret shown for comparison. */
const shown = ({ endpoint, secret, ...rest }: Detected): Readonly<Record<string, unknown>> => ({
  ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
  endpoint: endpoint.href,
  ...(secret !== undefined && { secret: Redacted.value(secret) })
})

const refusalOf = (variables: Variables, hasArcAgent = false) =>
  Effect.map(Effect.flip(detect(variables, hasArcAgent)), (error) => {
    assert.strictEqual(error._tag, "ConfigurationError")
    assert.isNotEmpty(error.remedy)
    return error
  })

const endpoint = "http://localhost:42356/msi/token"
const legacy = "http://127.0.0.1:41741/MSI/token/"
const arc = "http://localhost:40342/metadata/identity/oauth2/token"
const thumbprint = "A1B2C3D4E5F60718293A4B5C6D7E8F9001122334"
const header = "3F1E0D5C-HEADER"
const secret = "7B2A9C44-SECRET"
const imdsPath = "/metadata/identity/oauth2/token"
const clientId = "00001111-aaaa-2222-bbbb-3333cccc4444"

const appService = { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header }
const serviceFabric = { ...appService, IDENTITY_SERVER_THUMBPRINT: thumbprint }
const msi = { MSI_ENDPOINT: legacy, MSI_SECRET: secret }
const azureArc = { IDENTITY_ENDPOINT: arc, IMDS_ENDPOINT: "http://localhost:40342" }
const everything = {
  ...serviceFabric,
  ...msi,
  IDENTITY_API_VERSION: "2020-05-01",
  IMDS_ENDPOINT: "http://localhost:40342",
  WEBSITE_SITE_NAME: "orders",
  DEFAULT_IDENTITY_CLIENT_ID: clientId,
  AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://127.0.0.1:2579"
}

const without = (variables: Variables, ...names: ReadonlyArray<string>): Variables =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !names.includes(name)))

describe("where a program runs", () => {
  it.effect.each([
    ["App Service", appService, { source: "appService", endpoint, secret: header }],
    [
      "App Service, which sets the variables of its older version too",
      { ...appService, ...msi, WEBSITE_SITE_NAME: "orders" },
      { source: "appService", endpoint, secret: header }
    ],
    [
      "Service Fabric",
      { ...serviceFabric, IDENTITY_API_VERSION: "2020-05-01" },
      { source: "serviceFabric", endpoint, secret: header, thumbprint, apiVersion: "2020-05-01" }
    ],
    [
      "Service Fabric, its version not told",
      serviceFabric,
      { source: "serviceFabric", endpoint, secret: header, thumbprint }
    ],
    [
      "App Service's older endpoint",
      { ...msi, WEBSITE_SITE_NAME: "orders" },
      { source: "appServiceLegacy", endpoint: legacy, secret }
    ],
    ["Azure Machine Learning", msi, { source: "azureMl", endpoint: legacy, secret }],
    [
      "Azure Machine Learning with an identity of its own",
      { ...msi, DEFAULT_IDENTITY_CLIENT_ID: clientId },
      { source: "azureMl", endpoint: legacy, secret, defaultClientId: clientId }
    ],
    ["Cloud Shell", { MSI_ENDPOINT: legacy }, { source: "cloudShell", endpoint: legacy }],
    ["Azure Arc", azureArc, { source: "azureArc", endpoint: arc }],
    [
      "a virtual machine whose address is told",
      { AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://127.0.0.1:2579" },
      { source: "imds", endpoint: `http://127.0.0.1:2579${imdsPath}`, isGuess: false }
    ],
    [
      "nothing is set: perhaps a virtual machine",
      {},
      { source: "imds", endpoint: `http://169.254.169.254${imdsPath}`, isGuess: true }
    ],
    [
      "what other things than managed identity set tells nothing",
      {
        IDENTITY_API_VERSION: "2020-05-01",
        WEBSITE_SITE_NAME: "orders",
        DEFAULT_IDENTITY_CLIENT_ID: clientId,
        AZURE_CLIENT_ID: clientId
      },
      { source: "imds", endpoint: `http://169.254.169.254${imdsPath}`, isGuess: true }
    ]
  ] as const)("%s", ([_, variables, expected]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(shown(yield* detect(variables)), { ...expected })
    })
  )

  it.effect.each([
    ["on its own address", {}, "http://127.0.0.1:40342/metadata/identity/oauth2/token"],
    ["where the environment says", { IDENTITY_ENDPOINT: arc }, arc],
    ["where the environment says in full", azureArc, arc],
    [
      "on its own address, though half of its environment is set",
      { IMDS_ENDPOINT: "http://localhost:40342" },
      "http://127.0.0.1:40342/metadata/identity/oauth2/token"
    ],
    [
      "before a virtual machine's address",
      { AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://127.0.0.1:2579" },
      "http://127.0.0.1:40342/metadata/identity/oauth2/token"
    ]
  ] as const)("the agent of Azure Arc, %s", ([_, variables, expected]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(shown(yield* detect(variables, true)), { source: "azureArc", endpoint: expected })
    })
  )

  it.effect.each([
    ["appService", appService],
    ["serviceFabric", serviceFabric],
    ["azureMl", msi],
    ["cloudShell", { MSI_ENDPOINT: legacy }]
  ] as const)("is %s, though the agent of Azure Arc is installed", ([source, variables]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* detect(variables, true)).source, source)
    })
  )

  it.effect.each([
    ["serviceFabric", everything],
    ["appService", without(everything, "IDENTITY_SERVER_THUMBPRINT")],
    ["appServiceLegacy", without(everything, "IDENTITY_SERVER_THUMBPRINT", "IDENTITY_HEADER")],
    ["azureMl", without(everything, "IDENTITY_SERVER_THUMBPRINT", "IDENTITY_HEADER", "WEBSITE_SITE_NAME")],
    ["cloudShell", without(everything, "IDENTITY_SERVER_THUMBPRINT", "IDENTITY_HEADER", "MSI_SECRET")],
    ["azureArc", without(everything, "IDENTITY_SERVER_THUMBPRINT", "IDENTITY_HEADER", "MSI_SECRET", "MSI_ENDPOINT")],
    ["imds", { AZURE_POD_IDENTITY_AUTHORITY_HOST: "http://127.0.0.1:2579" }]
  ] as const)("is %s when everything of whom it comes before is set too", ([source, variables]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* detect(variables)).source, source)
    })
  )

  it.effect.each(["http://127.0.0.1:2579", "http://127.0.0.1:2579/", "http://127.0.0.1:2579//"])(
    "a virtual machine's address may end in slashes: %s",
    (host) =>
      Effect.gen(function* () {
        const found = yield* detect({ AZURE_POD_IDENTITY_AUTHORITY_HOST: host })
        assert.strictEqual(found.endpoint.href, `http://127.0.0.1:2579${imdsPath}`)
      })
  )

  it.effect("a virtual machine's address may have a path", () =>
    Effect.gen(function* () {
      for (const host of ["https://proxy.example/node", "https://proxy.example/node/"]) {
        const found = yield* detect({ AZURE_POD_IDENTITY_AUTHORITY_HOST: host })
        assert.strictEqual(found.endpoint.href, `https://proxy.example/node${imdsPath}`)
      }
    })
  )

  // Fails: the token's path is written behind them, so that the host's root is asked (imds).
  it.effect.each(["http://127.0.0.1:2579?a=b", "http://127.0.0.1:2579/#a"])(
    "a virtual machine's address with more than a path does not hide the path that is asked: %s",
    (host) =>
      Effect.gen(function* () {
        const found = yield* Effect.either(detect({ AZURE_POD_IDENTITY_AUTHORITY_HOST: host }))
        if (found._tag === "Right") assert.strictEqual(found.right.endpoint.pathname, imdsPath)
        else assert.strictEqual(found.left.parameter, "AZURE_POD_IDENTITY_AUTHORITY_HOST")
      })
  )

  it.effect("an endpoint keeps its query", () =>
    Effect.gen(function* () {
      const found = yield* detect({ ...appService, IDENTITY_ENDPOINT: `${endpoint}?slot=1` })
      assert.strictEqual(found.endpoint.href, `${endpoint}?slot=1`)
    })
  )
})

describe("a variable that is empty or blank", () => {
  const names = Object.keys(everything)

  it.effect.prop(
    "counts as absent",
    [
      FastCheck.subarray(names),
      FastCheck.subarray(names),
      FastCheck.constantFrom("", " ", "\t\r\n"),
      FastCheck.boolean()
    ],
    ([set, empty, blank, hasArcAgent]) =>
      Effect.gen(function* () {
        const absent = without(everything, ...names.filter((name) => !set.includes(name)), ...empty)
        const emptied = { ...absent, ...Object.fromEntries(empty.map((name) => [name, blank])) }
        const outcomeOf = (variables: Variables) =>
          Effect.merge(
            Effect.mapBoth(detect(variables, hasArcAgent), { onFailure: ({ message }) => message, onSuccess: shown })
          )
        assert.deepStrictEqual(yield* outcomeOf(emptied), yield* outcomeOf(absent))
      })
  )
})

describe("half of an environment", () => {
  const appServiceHalf = "a value, since IDENTITY_HEADER is set as on App Service"

  it.effect.each([
    [{ IDENTITY_HEADER: header }, "IDENTITY_ENDPOINT", appServiceHalf, "unset IDENTITY_HEADER"],
    [{ IDENTITY_HEADER: header, IDENTITY_ENDPOINT: "" }, "IDENTITY_ENDPOINT", appServiceHalf, "unset IDENTITY_HEADER"],
    [{ ...msi, IDENTITY_HEADER: header }, "IDENTITY_ENDPOINT", appServiceHalf, "unset IDENTITY_HEADER"],
    [
      { IDENTITY_SERVER_THUMBPRINT: thumbprint },
      "IDENTITY_ENDPOINT",
      "a value, since IDENTITY_SERVER_THUMBPRINT is set as on Service Fabric",
      "unset IDENTITY_SERVER_THUMBPRINT"
    ],
    [
      { IDENTITY_SERVER_THUMBPRINT: thumbprint, IDENTITY_HEADER: header },
      "IDENTITY_ENDPOINT",
      "a value, since IDENTITY_SERVER_THUMBPRINT is set as on Service Fabric",
      "unset IDENTITY_SERVER_THUMBPRINT"
    ],
    [
      { IDENTITY_SERVER_THUMBPRINT: thumbprint, IDENTITY_ENDPOINT: endpoint },
      "IDENTITY_HEADER",
      "a value, since IDENTITY_SERVER_THUMBPRINT is set as on Service Fabric",
      "unset IDENTITY_SERVER_THUMBPRINT"
    ],
    [
      { MSI_SECRET: secret },
      "MSI_ENDPOINT",
      "a value, since MSI_SECRET is set as on App Service and Azure Machine Learning",
      "unset MSI_SECRET"
    ],
    [
      { IDENTITY_ENDPOINT: endpoint },
      "IDENTITY_HEADER (App Service) or IMDS_ENDPOINT (Azure Arc)",
      "a value, since IDENTITY_ENDPOINT is set as on both",
      "unset IDENTITY_ENDPOINT"
    ],
    [
      { IMDS_ENDPOINT: "http://localhost:40342" },
      "IDENTITY_ENDPOINT",
      "a value, since IMDS_ENDPOINT is set as on Azure Arc",
      "unset IMDS_ENDPOINT"
    ]
  ] as const)("names what is missing, and what made us think of it: %j", ([variables, parameter, expected, remedy]) =>
    Effect.gen(function* () {
      const error = yield* refusalOf(variables)
      assert.deepStrictEqual([error.parameter, error.expected], [parameter, expected])
      assert.include(error.remedy, remedy)
      for (const value of Object.values(variables).filter((text) => text !== ""))
        assert.notInclude(inspect(error, { depth: 9 }) + JSON.stringify(error) + error.message, value)
    })
  )
})

describe("an address that can't be one", () => {
  const hosts: ReadonlyArray<readonly [name: string, rest: Variables]> = [
    ["IDENTITY_ENDPOINT", { IDENTITY_HEADER: header }],
    ["IDENTITY_ENDPOINT", { IDENTITY_HEADER: header, IDENTITY_SERVER_THUMBPRINT: thumbprint }],
    ["IDENTITY_ENDPOINT", { IMDS_ENDPOINT: "http://localhost:40342" }],
    ["MSI_ENDPOINT", {}],
    ["MSI_ENDPOINT", { MSI_SECRET: secret }],
    ["AZURE_POD_IDENTITY_AUTHORITY_HOST", {}]
  ]
  const addresses = [
    "localhost-hunter2",
    "localhost:40342/hunter2",
    "/msi/hunter2",
    "//hunter2.example/msi",
    "ftp://hunter2.example/msi",
    "file:///etc/hunter2",
    "javascript:hunter2",
    "http://",
    "http://[hunter2",
    "http://hunter2.example:99999/",
    "http://user:hunter2@localhost/msi",
    "http://hunter2@localhost/msi",
    "http://:hunter2@localhost/msi"
  ]

  for (const [name, rest] of hosts)
    it.effect.each(addresses)(
      `is refused by the name of its variable, ${[name, ...Object.keys(rest)]}: %j`,
      (address) =>
        Effect.gen(function* () {
          const error = yield* refusalOf({ ...rest, [name]: address })
          assert.strictEqual(error.parameter, name)
          assert.strictEqual(error.expected, "an absolute http or https URL without user and password")
          assert.notInclude(inspect(error, { depth: 9 }) + JSON.stringify(error) + error.message, "hunter2")
        })
    )

  it.effect.prop(
    "is found or refused, whatever the environment says",
    [
      FastCheck.dictionary(
        FastCheck.constantFrom(...Object.keys(everything)),
        FastCheck.oneof(FastCheck.string(), FastCheck.webUrl())
      ),
      FastCheck.boolean()
    ],
    ([variables, hasArcAgent]) =>
      Effect.gen(function* () {
        const outcome = yield* Effect.either(detect(variables, hasArcAgent))
        if (outcome._tag === "Right") assert.match(outcome.right.endpoint.protocol, /^https?:$/)
        else assert.strictEqual(outcome.left._tag, "ConfigurationError")
      })
  )
})

describe("the environment's secret", () => {
  it.effect.each([
    ["appService", appService, header],
    ["serviceFabric", serviceFabric, header],
    ["azureMl", msi, secret],
    ["appServiceLegacy", { ...msi, WEBSITE_SITE_NAME: "orders" }, secret]
  ] as const)("is not shown by what was found: %s", ([_, variables, value]) =>
    Effect.gen(function* () {
      const found = yield* detect(variables)
      assert.notInclude(inspect(found, { depth: 9, showHidden: true }) + JSON.stringify(found), value)
    })
  )
})
