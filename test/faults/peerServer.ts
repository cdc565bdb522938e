import type * as Http from "node:http"
import * as Https from "node:https"
import type * as Net from "node:net"
import { NodeHttpServer } from "@effect/platform-node"
import { Effect } from "effect"
import * as SelfSigned from "selfsigned"
import type { Service } from "../../src/emulator/EntraEmulator.js"
import type { Trouble } from "./wire.js"

export const makeCertificate = Effect.promise(() =>
  SelfSigned.generate([{ name: "commonName", value: "localhost" }], {
    keyType: "ec",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] }
    ]
  })
)

export type Certificate = Effect.Effect.Success<typeof makeCertificate>

export interface PeerServer {
  readonly origin: string
  /** Every token request from now on, or only the next one, meets this trouble; counts from 0 again. */
  readonly plan: (next: (request: number) => Trouble | undefined) => void
  readonly tokenRequests: () => number
}

const token = JSON.stringify({
  token_type: "Bearer",
  expires_in: 3599,
  ext_expires_in: 3599,
  access_token: "x".repeat(999)
})
const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${token.length}\r\n\r\n`

/** How much of an answer is written before the connection breaks or stalls. */
const written = (trouble: Trouble): string | undefined => {
  switch (trouble._tag) {
    case "NoHead":
      return head.slice(0, 30)
    case "StalledBody":
      return head + token.slice(0, token.length / 2)
    case "Reset":
      return { beforeHeaders: "", midBody: head + token.slice(0, token.length / 2), afterBody: head + token }[
        trouble.at
      ]
    default:
      return undefined
  }
}

/** The emulator behind TLS, with an owner of its sockets that breaks them as planned. */
export const listen = (emulator: Service, certificate: Certificate) =>
  Effect.gen(function* () {
    const answer = yield* NodeHttpServer.makeHandler(emulator.app)
    const sockets = new Map<number | undefined, Net.Socket>()
    let plan: (request: number) => Trouble | undefined = () => undefined
    let requests = 0

    const breakOff = (request: Http.IncomingMessage, text: string, isStalled: boolean) => {
      const reset = () => setTimeout(() => sockets.get(request.socket.remotePort)?.resetAndDestroy(), 10)
      request.resume()
      request.on("end", () => (text === "" ? reset() : request.socket.write(text, () => isStalled || reset())))
    }

    const server = Https.createServer({ key: certificate.private, cert: certificate.cert }, (request, response) => {
      const trouble = request.method === "POST" ? plan(++requests) : undefined
      const text = trouble === undefined ? undefined : written(trouble)
      if (text !== undefined) return breakOff(request, text, trouble?._tag === "StalledBody")
      // TLS ends here: the emulator learns of it as from a front.
      request.headers["x-forwarded-proto"] = "https"
      if (trouble === undefined) return answer(request, response)
      Effect.runSync(
        emulator.script([trouble as Exclude<Trouble, { _tag: "NoConnection" | "NoHead" | "StalledBody" }>])
      )
      answer(request, response)
    })
    server.on("connection", (socket: Net.Socket) => {
      const port = socket.remotePort
      sockets.set(port, socket)
      socket.on("error", () => undefined)
      socket.on("close", () => sockets.delete(port))
    })
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.async<void>((resume) => {
          server.close(() => resume(Effect.void))
          server.closeAllConnections()
        })
    )
    const address = server.address()
    const port = typeof address === "object" ? address?.port : undefined
    const peerServer: PeerServer = {
      origin: `https://localhost:${port}`,
      plan: (next) => {
        requests = 0
        plan = next
      },
      tokenRequests: () => requests
    }
    return peerServer
  })
