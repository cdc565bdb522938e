import { connect, createServer, type Socket } from "node:net"
import { Effect, type Scope } from "effect"

export interface Proxy {
  readonly url: string
  /** From now on nothing that the server says passes. */
  readonly hold: () => void
  readonly release: () => void
  /** What clients have said so far. */
  readonly heard: () => string
}

/** Stands between clients and a server on this machine. */
export const make = (serverPort: number): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.gen(function* () {
    let heard = ""
    const upstreams = new Set<Socket>()
    const server = createServer((client) => {
      const upstream = connect(serverPort, "127.0.0.1")
      upstreams.add(upstream)
      client.on("data", (chunk) => {
        heard += chunk
      })
      client.pipe(upstream).pipe(client)
      for (const [socket, other] of [
        [client, upstream],
        [upstream, client]
      ] as const)
        socket.on("error", () => {}).on("close", () => other.destroy())
    })
    yield* Effect.addFinalizer(() =>
      Effect.async((resume) => {
        server.close(() => resume(Effect.void))
        for (const upstream of upstreams) upstream.destroy()
      })
    )
    const port = yield* Effect.async<number>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(
          address !== null && typeof address === "object" ? Effect.succeed(address.port) : Effect.dieMessage("port")
        )
      })
    })
    return {
      url: `redis://127.0.0.1:${port}`,
      hold: () => {
        for (const upstream of upstreams) upstream.pause()
      },
      release: () => {
        for (const upstream of upstreams) upstream.resume()
      },
      heard: () => heard
    }
  })
