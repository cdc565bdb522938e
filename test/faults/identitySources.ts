import { ConfigProvider, Effect, type Scope } from "effect"
import type { TokenCache } from "../../src/cache/TokenCache.js"
import type { Machine } from "../../src/client/Machine.js"
import * as ManagedIdentity from "../../src/client/ManagedIdentity.js"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import type { Json } from "../../src/emulator/Fault.js"
import { defaults, type Host, identityOn } from "../client/identities.js"
import type { Sent, Trouble } from "./wire.js"

/** The last wins: what is said of a later one holds where it differs. */
export type Kind = "arc" | "challenge" | "key" | "fabric" | "imds" | "guessed"

type Made = Effect.Effect<
  ManagedIdentity.ManagedIdentityService,
  unknown,
  EntraEmulator.EntraEmulator | Machine | TokenCache | Scope.Scope
>

/** Where a managed identity's tokens come from, and what is particular to it. */
export interface Source {
  readonly name: string
  readonly kinds: ReadonlyArray<Kind>
  /** The longest backoff before each request that is sent again, in milliseconds. */
  readonly backoff: ReadonlyArray<number>
  /** How many requests an attempt takes that meets a fault, and one that is served. */
  readonly failing: number
  readonly serving: number
  /** Whether a fault is for this request. */
  readonly meets: (sent: Sent, trouble: Trouble) => boolean
  /** An error as it is written there. */
  readonly words: (status: number) => Json
  readonly userAssigned: ManagedIdentity.UserAssignedOptions | undefined
  readonly make: (options?: ManagedIdentity.Options) => Made
}

/** Without it, where it is needed, a request is a look whether somebody is there. */
export const wantsToken = ({ headers }: Sent): boolean =>
  headers.metadata === "true" || headers.secret !== undefined || headers["x-identity-header"] !== undefined

const { clientId, objectId } = defaults.managedIdentity.userAssigned

const text = "What is wrong, in prose."
const correlationId = "11111111-2222-3333-4444-555555555555"

/** Four attempts: half a second, doubled. */
const usually = [500, 1000, 2000]
/** Eight: from a second on, up to eight. */
const patiently = [1000, 2000, 4000, 8000, 8000, 8000, 8000]

const at = (host: Host) => (options?: ManagedIdentity.Options) => identityOn(host, options)

const standard = () => ({ error: "invalid_request", error_description: text })
const appService = (status: number) => ({ statusCode: status, message: text, correlationId })

const plain = {
  kinds: [],
  backoff: usually,
  failing: 1,
  serving: 1,
  meets: wantsToken,
  words: appService,
  userAssigned: { clientId }
} as const

const arc = {
  ...plain,
  kinds: ["arc"],
  serving: 2,
  words: standard,
  make: at("azureArc")
} as const

const imds = { ...plain, backoff: patiently, words: standard } as const

const atNamedImds = (options?: ManagedIdentity.Options): Made =>
  Effect.flatMap(EntraEmulator.EntraEmulator, (emulator) =>
    Effect.withConfigProvider(
      ManagedIdentity.make(options),
      ConfigProvider.fromMap(
        new Map(Object.entries(emulator.managedIdentityEnvironment("imds", "http://169.254.169.254")))
      )
    )
  )

/** Azure Arc's are two: the agent asks for a proof in answer to the first request, and gives the token for the second. */
export const sources: ReadonlyArray<Source> = [
  { ...plain, name: "App Service", make: at("appService") },
  {
    ...plain,
    name: "App Service (2017-09-01)",
    words: (status) => ({ StatusCode: status, Message: text, CorrelationId: correlationId }),
    make: at("appServiceLegacy")
  },
  { ...plain, name: "Azure Machine Learning", make: at("azureMl") },
  {
    ...plain,
    name: "Cloud Shell",
    words: () => ({ error: { code: "BadRequest", message: text } }),
    userAssigned: undefined,
    make: at("cloudShell")
  },
  {
    ...plain,
    name: "Service Fabric",
    kinds: ["fabric"],
    words: () => ({ error: { correlationId, code: "ManagedIdentityNotFound", message: text } }),
    userAssigned: { objectId },
    make: at("serviceFabric")
  },
  { ...arc, name: "Azure Arc", kinds: ["arc", "challenge"] },
  {
    ...arc,
    name: "Azure Arc, once challenged",
    kinds: ["arc", "key"],
    failing: 2,
    meets: ({ headers }) => headers.authorization !== undefined
  },
  { ...imds, name: "IMDS, named by a variable", kinds: ["imds"], make: atNamedImds },
  {
    ...imds,
    name: "IMDS",
    kinds: ["imds", "guessed"],
    // Where nobody listens, a look meets the same.
    meets: (sent, trouble) => wantsToken(sent) || trouble._tag === "NoConnection",
    make: at("imds")
  }
]
