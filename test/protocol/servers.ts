import * as Http from "node:http"
import type * as Net from "node:net"
import { Effect } from "effect"

/** What a server saw of a request. */
export interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: Http.IncomingHttpHeaders
  readonly body: string
}

/** A server on a loopback port of the system's choice, closed with the scope, its connections too. */
export const listen = (server: Net.Server) =>
  Effect.gen(function* () {
    const open = new Set<Net.Socket>()
    let connections = 0
    server.on("connection", (socket: Net.Socket) => {
      connections += 1
      open.add(socket)
      socket.on("error", () => undefined)
      socket.on("close", () => open.delete(socket))
    })
    yield* Effect.acquireRelease(
      Effect.async<void>((resume) => {
        server.listen(0, "127.0.0.1", () => resume(Effect.void))
      }),
      () =>
        Effect.async<void>((resume) => {
          for (const socket of open) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    )
    const address = server.address()
    if (address === null || typeof address === "string") return yield* Effect.dieMessage("the server has no port")
    const host = `127.0.0.1:${address.port}`
    return {
      host,
      origin: `http://${host}`,
      connections: () => connections,
      /** Waits until no connection is open. */
      idle: Effect.repeat(Effect.sleep("5 millis"), { until: () => open.size === 0 }).pipe(Effect.timeout("5 seconds"))
    }
  })

/** An HTTP server that answers when it has read the request. */
export const serve = (answer: (response: Http.ServerResponse) => void) =>
  Effect.gen(function* () {
    const seen: Array<Seen> = []
    const server = Http.createServer((request, response) => {
      const chunks: Array<Buffer> = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { headers, method, url } = request
        seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
        answer(response)
      })
    })
    return { ...(yield* listen(server)), seen }
  })

/** The address of a port that nobody listens on. */
export const closedPort = Effect.map(Effect.scoped(serve(() => undefined)), ({ host, origin }) => ({ host, origin }))
