import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { ConfigurationError } from "../core/TokenError.js"
import { variables } from "./environment.js"
import type { Detected } from "./identitySource.js"
import type { MachineService } from "./Machine.js"

const names = [
  "IDENTITY_ENDPOINT",
  "IDENTITY_HEADER",
  "IDENTITY_SERVER_THUMBPRINT",
  "IDENTITY_API_VERSION",
  "IMDS_ENDPOINT",
  "MSI_ENDPOINT",
  "MSI_SECRET",
  "WEBSITE_SITE_NAME",
  "DEFAULT_IDENTITY_CLIENT_ID",
  "AZURE_POD_IDENTITY_AUTHORITY_HOST"
] as const

type Name = (typeof names)[number]
type Variables = Readonly<Record<Name, string | undefined>>

const refuse = (parameter: string, expected: string, remedy: string) =>
  new ConfigurationError({ parameter, expected, remedy })

/** An environment that is half of one: the variable that is missing, and the one that made us think of it. */
const half = (missing: string, present: Name, host: string) =>
  refuse(
    missing,
    `a value, since ${present} is set as on ${host}`,
    `Set it as the platform does, or unset ${present} where the program does not run there.`
  )

const urlOf = (name: Name, text: string): Effect.Effect<URL, ConfigurationError> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
    ? Effect.succeed(url)
    : refuse(name, "an absolute http or https URL without user and password", "Set it as the platform does.")
}

/** What can stand in a header (RFC 9110 5.5), but no line end that a file of variables has left there. */
const secretOf = (name: Name, text: string): Effect.Effect<Redacted.Redacted, ConfigurationError> =>
  /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)
    ? Effect.succeed(Redacted.make(text))
    : refuse(
        name,
        "printable ASCII characters alone, without space or line end at either end",
        "Set it as the platform does."
      )

const imdsHost = "http://169.254.169.254"
const tokenPath = "metadata/identity/oauth2/token"
const arcDefault = `http://127.0.0.1:40342/${tokenPath}`

type Detection = Effect.Effect<Detected, ConfigurationError> | undefined

/** IDENTITY_ENDPOINT with a thumbprint is Service Fabric's, without one App Service's. */
const withHeader = (env: Variables): Detection => {
  const { IDENTITY_ENDPOINT: endpoint, IDENTITY_HEADER: header, IDENTITY_SERVER_THUMBPRINT: thumbprint } = env
  if (header === undefined && thumbprint === undefined) return undefined
  const [present, host] =
    thumbprint === undefined
      ? (["IDENTITY_HEADER", "App Service"] as const)
      : (["IDENTITY_SERVER_THUMBPRINT", "Service Fabric"] as const)
  if (endpoint === undefined) return half("IDENTITY_ENDPOINT", present, host)
  if (header === undefined) return half("IDENTITY_HEADER", present, host)
  return Effect.zipWith(urlOf("IDENTITY_ENDPOINT", endpoint), secretOf("IDENTITY_HEADER", header), (url, secret) =>
    thumbprint === undefined
      ? { source: "appService", endpoint: url, secret }
      : { source: "serviceFabric", endpoint: url, secret, thumbprint, apiVersion: env.IDENTITY_API_VERSION }
  )
}

/** App Service's older endpoint and Azure Machine Learning share their variables; only App Service names its site. */
const withMsi = (env: Variables): Detection => {
  const { MSI_ENDPOINT: endpoint, MSI_SECRET: secret } = env
  if (endpoint === undefined)
    return secret === undefined
      ? undefined
      : half("MSI_ENDPOINT", "MSI_SECRET", "App Service and Azure Machine Learning")
  const url = urlOf("MSI_ENDPOINT", endpoint)
  if (secret === undefined) return Effect.map(url, (at) => ({ source: "cloudShell", endpoint: at }))
  return Effect.zipWith(url, secretOf("MSI_SECRET", secret), (at, opened): Detected => {
    const found = { endpoint: at, secret: opened }
    return env.WEBSITE_SITE_NAME === undefined
      ? { ...found, source: "azureMl", defaultClientId: env.DEFAULT_IDENTITY_CLIENT_ID }
      : { ...found, source: "appServiceLegacy" }
  })
}

const withAgent = (env: Variables, hasArcAgent: boolean): Detection => {
  const { IDENTITY_ENDPOINT: endpoint, IMDS_ENDPOINT: imds } = env
  if (endpoint !== undefined) {
    return imds === undefined && !hasArcAgent
      ? half("IDENTITY_HEADER (App Service) or IMDS_ENDPOINT (Azure Arc)", "IDENTITY_ENDPOINT", "both")
      : arcAt(endpoint)
  }
  if (hasArcAgent) return arcAt(arcDefault)
  return imds === undefined ? undefined : half("IDENTITY_ENDPOINT", "IMDS_ENDPOINT", "Azure Arc")
}

const arcAt = (endpoint: string): Effect.Effect<Detected, ConfigurationError> =>
  Effect.map(urlOf("IDENTITY_ENDPOINT", endpoint), (url) => ({ source: "azureArc", endpoint: url }))

const podIdentity = "AZURE_POD_IDENTITY_AUTHORITY_HOST"

/** Where nothing tells of another. */
const imds = ({ [podIdentity]: host }: Variables): Effect.Effect<Detected, ConfigurationError> =>
  Effect.flatMap(urlOf(podIdentity, host ?? imdsHost), ({ hash, href, search }) =>
    search === "" && hash === ""
      ? Effect.succeed({
          source: "imds",
          endpoint: new URL(`${href.replace(/\/+$/, "")}/${tokenPath}`),
          isGuess: host === undefined
        })
      : refuse(podIdentity, "an address without query and fragment", "Set it as the platform does.")
  )

/**
 * Finds out where this program runs, by the environment and the agent of Azure Arc alone: nothing is sent.
 *
 * Source: MSAL.NET, `ManagedIdentityClient` (the order).
 *
 * @internal
 */
export const detectSource = (machine: MachineService): Effect.Effect<Detected, ConfigurationError> =>
  Effect.gen(function* () {
    const env = yield* variables(names)
    const hasArcAgent = yield* machine.hasArcAgent
    return yield* withHeader(env) ?? withMsi(env) ?? withAgent(env, hasArcAgent) ?? imds(env)
  })
