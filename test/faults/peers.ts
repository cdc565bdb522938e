import { ConfidentialClientApplication } from "@azure/msal-node"
import * as Undici from "@effect/platform-node/Undici"
import { Clock, Effect, Redacted, type Scope } from "effect"
import * as EntraEmulator from "../../src/emulator/EntraEmulator.js"
import { httpDates, type Row, rows, type Times } from "./matrix.js"
import { type Certificate, listen, makeCertificate, type PeerServer } from "./peerServer.js"
import type { Table } from "./table.js"
import type { Trouble } from "./wire.js"

const { defaults } = EntraEmulator

/** Another library's client: its every call asks for an app's token. */
type Peer = (origin: string, ca: string | undefined) => { readonly getToken: () => Promise<string | undefined> }

const msal: Peer = (origin) => {
  const client = new ConfidentialClientApplication({
    auth: {
      clientId: defaults.clientId,
      clientSecret: Redacted.value(defaults.clientSecret),
      authority: `${origin}/${defaults.tenantId}`,
      knownAuthorities: [new URL(origin).host]
    }
  })
  return {
    getToken: async () =>
      (await client.acquireTokenByClientCredential({ scopes: [defaults.apiScope] }))?.accessToken || undefined
  }
}

/** As much of `@azure/identity` as is used; it need not be installed. */
interface Identity {
  readonly ClientSecretCredential: new (
    tenantId: string,
    clientId: string,
    clientSecret: string,
    options: Readonly<Record<string, unknown>>
  ) => { readonly getToken: (scope: string) => Promise<{ readonly token: string } | null> }
}

const identityPackage = "@azure/identity"

const identityPeer =
  ({ ClientSecretCredential }: Identity): Peer =>
  (origin, ca) => {
    const credential = new ClientSecretCredential(
      defaults.tenantId,
      defaults.clientId,
      Redacted.value(defaults.clientSecret),
      { authorityHost: origin, disableInstanceDiscovery: true, tlsOptions: { ca } }
    )
    return { getToken: async () => (await credential.getToken(defaults.apiScope))?.token }
  }

const loadIdentity = Effect.tryPromise(() => import(identityPackage) as Promise<Identity>).pipe(
  Effect.map(identityPeer),
  Effect.catchAll(() =>
    Effect.as(
      Effect.sync(() =>
        console.error(
          `${identityPackage} is not installed: npm install --no-save ${identityPackage}@4 adds its column.`
        )
      ),
      undefined
    )
  )
)

const patience = 8000

const nameOf = (error: unknown): string => {
  if (!(error instanceof Error)) return "an error"
  const code: unknown = Reflect.get(error, "errorCode")
  return typeof code === "string" ? `${error.name} ${code}` : error.name
}

type Call = { readonly what: string; readonly millis: number }

const call = (getToken: () => Promise<string | undefined>): Effect.Effect<Call> =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const what = yield* Effect.tryPromise({ try: getToken, catch: nameOf }).pipe(
      Effect.map((token) => (token === undefined ? "RESOLVED, NO TOKEN" : "token")),
      Effect.catchAll((name) => Effect.succeed(name)),
      Effect.timeoutTo({ duration: patience, onSuccess: (text) => text, onTimeout: () => "still waiting" })
    )
    return { what, millis: (yield* Clock.currentTimeMillis) - start }
  })

const secondsOf = (millis: number): string => {
  if (millis >= patience) return ", > 8 s"
  return millis < 300 ? "" : `, ${(millis / 1000).toFixed(1)} s`
}

/** The same trouble, with the time and the place of this run. */
const troubleOf = ({ dateForm, trouble }: Row, elsewhere: PeerServer, now: number): Trouble => {
  if (trouble._tag !== "Respond") return trouble
  if (dateForm !== undefined) {
    const inTwoSeconds = Math.ceil(now / 1000) * 1000 + 2000
    return { ...trouble, headers: { "retry-after": httpDates[dateForm](inTwoSeconds) } }
  }
  return trouble.headers.location === undefined
    ? trouble
    : { ...trouble, headers: { location: `${elsewhere.origin}/${defaults.tenantId}/oauth2/v2.0/token` } }
}

/** Without a connection no peer gets as far as asking for a token: its discovery fails first. */
const isPlayable = ({ trouble }: Row): boolean =>
  trouble._tag !== "NoConnection" || trouble.code === "DEPTH_ZERO_SELF_SIGNED_CERT"

interface Place {
  readonly server: PeerServer
  readonly elsewhere: PeerServer
  readonly ca: string
}

const playCell = ({ ca, elsewhere, server }: Place, peer: Peer, row: Row, times: Times) =>
  Effect.gen(function* () {
    const isUntrusted = row.trouble._tag === "NoConnection"
    server.plan((request) =>
      !isUntrusted && (times === "always" || request === 1) ? troubleOf(row, elsewhere, Date.now()) : undefined
    )
    elsewhere.plan(() => undefined)
    const origin = isUntrusted ? server.origin.replace("localhost", "127.0.0.1") : server.origin
    const { getToken } = peer(origin, ca)
    const { millis, what } = yield* call(getToken)
    const requests = server.tokenRequests()
    const told = elsewhere.tokenRequests() > 0 ? ", SECRET SENT TO THE OTHER HOST" : ""
    if (what === "token" || what === "still waiting" || isUntrusted)
      return `${what}, ${requests}${secondsOf(millis)}${told}`
    server.plan(() => undefined)
    const next = yield* call(getToken)
    const isLocked = next.what !== "token" && server.tokenRequests() === 0
    return `${what}, ${requests}${secondsOf(millis)}${isLocked ? ", then locked" : ""}${told}`
  })

const lanes = 10
const wholeTime = 240_000

/** Trusts the one certificate of this run wherever `fetch` is used; nothing else of this process needs another. */
const trusting = (ca: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = Undici.getGlobalDispatcher()
      const agent = new Undici.Agent({ connect: { ca } })
      Undici.setGlobalDispatcher(agent)
      return { agent, before }
    }),
    ({ agent, before }) =>
      Effect.promise(() => {
        Undici.setGlobalDispatcher(before)
        return agent.destroy()
      })
  )

const makePlace = (
  emulator: EntraEmulator.Service,
  certificate: Certificate
): Effect.Effect<Place, never, Scope.Scope> =>
  Effect.all({
    server: listen(emulator, certificate),
    elsewhere: listen(emulator, certificate),
    ca: Effect.succeed(certificate.cert)
  })

/** The same faults over TLS, in real time, for app tokens: outcome, requests, seconds, and whether the client locks. */
export const peerTable: Effect.Effect<Table> = Effect.gen(function* () {
  const identity = yield* loadIdentity
  const certificate = yield* makeCertificate
  yield* trusting(certificate.cert)
  const started = yield* Clock.currentTimeMillis
  const peers = [
    ["@azure/msal-node", msal] as const,
    ...(identity === undefined ? [] : [[identityPackage, identity] as const])
  ]
  const cells = rows.flatMap((row) =>
    peers.flatMap(([, peer]) => (["once", "always"] as const).map((times) => ({ row, peer, times })))
  )
  const free: Array<Place> = []
  for (let lane = 0; lane < lanes; lane++) free.push(yield* makePlace(yield* EntraEmulator.make(), certificate))
  const texts = yield* Effect.forEach(
    cells,
    ({ peer, row, times }) =>
      Effect.gen(function* () {
        const place = free.pop()
        if (place === undefined || !isPlayable(row)) {
          if (place !== undefined) free.push(place)
          return "not played"
        }
        const late = (yield* Clock.currentTimeMillis) - started > wholeTime
        const text = late ? "no time left" : yield* playCell(place, peer, row, times)
        free.push(place)
        return text
      }),
    { concurrency: lanes }
  )
  const width = peers.length * 2
  return {
    heads: ["fault", ...peers.flatMap(([name]) => [`${name}, once`, "always"])],
    cells: rows.map(({ name }, index) => [name, ...texts.slice(index * width, (index + 1) * width)])
  }
}).pipe(Effect.scoped)
