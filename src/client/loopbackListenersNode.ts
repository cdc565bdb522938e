import * as Http from "node:http"
import type * as Net from "node:net"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { CredentialUnavailable } from "../core/TokenError.js"
import { rawRefusal } from "./loopbackReplyNode.js"

/** Called for each request; the port is the one that it came to. */
export type Handler = (port: number, request: Http.IncomingMessage, response: Http.ServerResponse) => void

interface Listener {
  readonly port: number
  readonly close: Effect.Effect<void>
}

const limits: Http.ServerOptions = {
  // Cookies know no ports: a browser sends along what every other program on localhost has set.
  maxHeaderSize: 65_536,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  // The two above are looked at this often.
  connectionsCheckingInterval: 1_000,
  // What Node would answer by itself has none of our headers.
  requireHostHeader: false
}

const mostConnections = 64

/** How often two families are tried to agree on a port. */
const mostRetries = 9

const codeOf = (cause: unknown): string =>
  Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : "unknown"

const makeServer = (handler: Http.RequestListener): Http.Server => {
  const server = Http.createServer(limits, handler)
  server.maxConnections = mostConnections
  server.on("checkExpectation", handler)
  server.on("clientError", (cause, socket) => {
    if (socket.writable) socket.end(rawRefusal(codeOf(cause)), () => socket.destroy())
    else socket.destroy()
  })
  return server
}

const trackSockets = (server: Http.Server): ReadonlySet<Net.Socket> => {
  const sockets = new Set<Net.Socket>()
  server.on("connection", (socket: Net.Socket) => {
    sockets.add(socket)
    socket.once("close", () => sockets.delete(socket))
  })
  return sockets
}

const portOf = (server: Http.Server): number => {
  const address = server.address()
  return address !== null && typeof address === "object" ? address.port : 0
}

/** Listens at one address; fails with the system's code. */
const open = (handler: Handler, host: string, wanted: number): Effect.Effect<Listener, string> =>
  Effect.async((resume) => {
    let port = wanted
    const server = makeServer((request, response) => handler(port, request, response))
    const sockets = trackSockets(server)
    const close = Effect.async<void>((closed) => {
      server.close(() => closed(Effect.void))
      for (const socket of sockets) socket.destroy()
    })
    server.once("error", (cause) => resume(Effect.fail(codeOf(cause))))
    // Exclusive, or the workers of a cluster would share the port, and one would get what is meant for another.
    server.listen({ host, port: wanted, exclusive: true }, () => {
      port = portOf(server)
      resume(Effect.succeed({ port, close }))
    })
  })

/** What a machine says that has no such address. */
const isAbsent = (code: string): boolean => code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT"

/**
 * A browser may take `localhost` for either address, so a stranger at the other one would get the code: both or,
 * where there is only one, that one.
 */
const openBoth = (handler: Handler, wanted: number): Effect.Effect<ReadonlyArray<Listener>, string> =>
  Effect.gen(function* () {
    const first = yield* open(handler, "127.0.0.1", wanted)
    const more = yield* Effect.map(open(handler, "::1", first.port), (second) => [second]).pipe(
      Effect.catchIf(isAbsent, () => Effect.succeed([])),
      Effect.tapError(() => first.close)
    )
    return [first, ...more]
  })

const unavailable = (wanted: number) => (code: string) =>
  new CredentialUnavailable({
    credential: "loopback server",
    reason: wanted === 0 ? `no port could be had (${code})` : `port ${wanted} could not be had (${code})`,
    remedy: wanted === 0 ? undefined : "Leave the port to the system; Entra accepts any on http://localhost."
  })

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 0 && port <= 65_535

/**
 * Listens on both loopback addresses at one port, any free one for 0, which it returns. Ports and sockets are closed
 * with the scope.
 *
 * @internal
 */
export const listenOnBoth = (
  handler: Handler,
  wanted: number
): Effect.Effect<number, CredentialUnavailable, Scope.Scope> =>
  Effect.acquireRelease(
    (isPort(wanted) ? openBoth(handler, wanted) : Effect.fail("ERR_SOCKET_BAD_PORT")).pipe(
      Effect.retry({ times: mostRetries, while: (code) => wanted === 0 && code === "EADDRINUSE" }),
      Effect.mapError(unavailable(wanted))
    ),
    (listeners) => Effect.forEach(listeners, ({ close }) => close, { concurrency: "unbounded", discard: true })
  ).pipe(Effect.map(([{ port } = { port: wanted }]) => port))
