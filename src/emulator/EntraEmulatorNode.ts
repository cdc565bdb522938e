/**
 * The emulator on a Node server of its own: TLS where it is wanted, resets, which only the owner of a socket can play, and
 * the keys of Azure Arc as real files.
 *
 * Needs the optional peers `@effect/platform-node` and `selfsigned`.
 *
 * @since 0.1.0
 */
import { X509Certificate } from "node:crypto"
import * as Http from "node:http"
import * as Https from "node:https"
import type * as Net from "node:net"
import type * as HttpApp from "@effect/platform/HttpApp"
import type * as HttpServerError from "@effect/platform/HttpServerError"
import * as HttpServerRequest from "@effect/platform/HttpServerRequest"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as SelfSigned from "selfsigned"
import * as Answers from "./answers.js"
import * as ArcKeyFiles from "./arcKeyFiles.js"
import * as ArcKeys from "./arcKeys.js"
import { Connection, type Cut } from "./connection.js"
import * as EntraEmulator from "./EntraEmulator.js"

/**
 * Where the emulator listens: the origin for an authority (`https://localhost:PORT`, or `http://127.0.0.1:PORT` without
 * TLS), the certificate to trust for it, in PEM, and its SHA-1 thumbprint in upper-case hex, by which Service Fabric knows
 * it.
 *
 * @since 0.1.0
 * @category tags
 */
export class Address extends Context.Tag("effect-entra/EntraEmulatorNode/Address")<
  Address,
  { readonly origin: string; readonly certificate: string | undefined; readonly thumbprint: string | undefined }
>() {}

/**
 * The emulator's options, the port (any free one unless given), whether to speak TLS (no), and the folder for the keys of
 * Azure Arc (`/var/opt/azcmagent/tokens`, the only one that clients on Linux look into). That folder is made when the first
 * client asks, and stays; the files in it go with the layer. Where it can't be made, the client is told so, with 500.
 *
 * @since 0.1.0
 * @category models
 */
export interface Options extends EntraEmulator.Options {
  readonly port?: number | undefined
  readonly tls?: boolean | undefined
  readonly arcKeyFolder?: string | undefined
}

const loopback = "127.0.0.1"

/** A certificate for this machine's own names, made anew at each start. */
const makeCertificate = Effect.promise(() =>
  SelfSigned.generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", digitalSignature: true, keyCertSign: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: loopback }
        ]
      }
    ]
  })
)

const thumbprintOf = (certificate: string) => new X509Certificate(certificate).fingerprint.replaceAll(":", "")

/** The TCP sockets of a server by the port of their other end: under TLS a request shows only what wraps its socket. */
type Sockets = Map<number, Net.Socket>

const track = (server: Net.Server): Sockets => {
  const sockets: Sockets = new Map()
  server.on("connection", (socket: Net.Socket) => {
    const port = socket.remotePort
    if (port === undefined) return
    sockets.set(port, socket)
    socket.once("close", () => sockets.delete(port))
  })
  return sockets
}

/** Time for the kernel to hand over what was written, which a reset may overtake; no `TestClock` can make it pass. */
const settle = Effect.withClock(Effect.sleep("10 millis"), Clock.make())

const write = (response: Http.ServerResponse, bytes: Uint8Array) =>
  Effect.async<void>((resume) => {
    response.write(bytes, () => resume(Effect.void))
  })

const end = (response: Http.ServerResponse, bytes: Uint8Array) =>
  Effect.async<void>((resume) => {
    // A client that went away leaves the answer closed, not finished.
    response.once("close", () => resume(Effect.void))
    response.end(bytes, () => resume(Effect.void))
  })

/** Plays a reset on the socket itself; it holds against the interruption that the lost connection brings. */
const cutIn =
  (sockets: Sockets): Cut =>
  (at, response, request) =>
    Effect.gen(function* () {
      const raw = NodeHttpServerRequest.toServerResponse(request)
      const socket = sockets.get(NodeHttpServerRequest.toIncomingMessage(request).socket.remotePort ?? 0)
      const bytes = Answers.bytesOf(response)
      if (at !== "beforeHeaders") raw.writeHead(response.status, response.headers)
      if (at === "midBody") yield* write(raw, bytes.slice(0, Math.ceil(bytes.length / 2)))
      if (at === "afterBody") yield* end(raw, bytes)
      yield* settle
      socket?.resetAndDestroy()
      // Ended, so that nobody writes this answer again.
      raw.end()
      return response
    }).pipe(Effect.uninterruptible)

/** The app on this server's sockets; behind TLS it learns the scheme as from a front, by `x-forwarded-proto`. */
const hosted = (app: HttpApp.Default, sockets: Sockets, tls: boolean): HttpApp.Default =>
  app.pipe(
    Effect.provideService(Connection, { cut: cutIn(sockets) }),
    Effect.updateService(HttpServerRequest.HttpServerRequest, (request) =>
      tls ? request.modify({ headers: { ...request.headers, "x-forwarded-proto": "https" } }) : request
    )
  )

const serve = (
  emulator: EntraEmulator.Service,
  { port = 0, tls = false }: Options
): Effect.Effect<Context.Tag.Service<Address>, HttpServerError.ServeError, Scope.Scope> =>
  Effect.gen(function* () {
    const certificate = tls ? yield* makeCertificate : undefined
    const server =
      certificate === undefined
        ? Http.createServer()
        : Https.createServer({ key: certificate.private, cert: certificate.cert })
    const sockets = track(server)
    const host = yield* NodeHttpServer.make(() => server, { host: loopback, port })
    // Runs before the server is closed, which waits for its connections.
    yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
    yield* host.serve(hosted(emulator.app, sockets, tls))
    const bound = host.address._tag === "TcpAddress" ? host.address.port : port
    return {
      origin: tls ? `https://localhost:${bound}` : `http://${loopback}:${bound}`,
      certificate: certificate?.cert,
      thumbprint: certificate === undefined ? undefined : thumbprintOf(certificate.cert)
    }
  })

const arcKeyFilesOf = ({ arcKeyFiles, arcKeyFolder = ArcKeys.defaultFolder }: Options) =>
  arcKeyFiles === undefined
    ? Effect.provide(ArcKeyFiles.make(arcKeyFolder), NodeFileSystem.layer)
    : Effect.succeed(arcKeyFiles)

/**
 * An emulator that listens on 127.0.0.1 as long as the layer lives; every connection is closed with it.
 *
 * @since 0.1.0
 * @category layers
 */
export const layer = (
  options: Options = {}
): Layer.Layer<EntraEmulator.EntraEmulator | Address, HttpServerError.ServeError> =>
  Layer.unwrapScoped(
    Effect.map(arcKeyFilesOf(options), (arcKeyFiles) =>
      Layer.provideMerge(
        Layer.scoped(
          Address,
          Effect.flatMap(EntraEmulator.EntraEmulator, (emulator) => serve(emulator, options))
        ),
        EntraEmulator.layer({ ...options, arcKeyFiles })
      )
    )
  )
