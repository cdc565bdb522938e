import { type ChildProcess, execFile, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect, Schedule, type Scope } from "effect"

/** A real Redis, that can be killed, started again under the same port, and stopped in the middle of whatever it does. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Kills it, as a crash does: it says no farewell. */
  readonly stop: Effect.Effect<void>
  /** Starts it again, empty, under the same port; kills it first where it runs. */
  readonly restart: Effect.Effect<void>
  /** From now on it answers nothing, though its sockets stay open. */
  readonly pause: Effect.Effect<void>
  readonly resume: Effect.Effect<void>
  /** What redis-cli prints, over a connection of its own. */
  readonly cli: (...args: ReadonlyArray<string>) => Effect.Effect<string>
}

const ports = (count: number): Effect.Effect<ReadonlyArray<number>> =>
  Effect.promise(async () => {
    const servers = Array.from({ length: count }, () => createServer())
    const taken = servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once("error", reject)
          server.listen(0, "127.0.0.1", () => resolve(portOf(server.address())))
        })
    )
    const free = await Promise.all(taken)
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    return free
  })

const portOf = (address: AddressInfo | string | null): number =>
  address !== null && typeof address === "object" ? address.port : 0

/** A port of this machine on which nobody listens. */
export const unusedPort: Effect.Effect<number> = Effect.map(ports(1), ([port]) => port ?? 0)

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

const kill = (child: ChildProcess): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (ended(child)) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

/** Starts it, and waits until it serves. It fails with what the server printed. */
const run = (args: ReadonlyArray<string>): Effect.Effect<ChildProcess, string> =>
  Effect.async((resume) => {
    const child = spawn("redis-server", args, { stdio: ["ignore", "pipe", "pipe"] })
    const onParentExit = () => child.kill("SIGKILL")
    process.once("exit", onParentExit)
    let printed = ""
    const onOutput = (chunk: Buffer) => {
      printed += chunk
      if (printed.includes("Ready to accept connections")) resume(Effect.succeed(child))
    }
    child.stdout.on("data", onOutput)
    child.stderr.on("data", onOutput)
    child.once("error", (error) => resume(Effect.fail(error.message)))
    child.once("exit", () => {
      process.off("exit", onParentExit)
      resume(Effect.fail(printed))
    })
    return kill(child)
  })

const cliAt =
  (port: number) =>
  (...args: ReadonlyArray<string>): Effect.Effect<string> =>
    Effect.async((resume) => {
      const child = execFile("redis-cli", ["-p", `${port}`, ...args], (error, stdout) =>
        resume(error === null ? Effect.succeed(stdout.trim()) : Effect.die(error))
      )
      return kill(child)
    })

interface Options {
  /** Beyond `--port` and what keeps it off the disk, as on its command line. */
  readonly args?: ReadonlyArray<string>
}

const launch = (folder: string, { args = [] }: Options) =>
  Effect.gen(function* () {
    const [port = 0, busPort = 0] = yield* ports(2)
    const network = ["--bind", "127.0.0.1", "--port", `${port}`, "--cluster-port", `${busPort}`]
    const command = [...network, "--dir", folder, "--save", "", "--appendonly", "no", ...args]
    return { port, busPort, command, child: yield* run(command) }
  }).pipe(
    // Between its choice and its use another may have taken the port.
    Effect.retry({ times: 5, while: (printed) => printed.includes("Address already in use") }),
    Effect.orDieWith((printed) => new Error(`redis-server: ${printed}`))
  )

interface Node extends RedisServer {
  readonly busPort: number
}

const startNode = (options: Options): Effect.Effect<Node, never, Scope.Scope> =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-entra-redis-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const { busPort, command, port, ...launched } = yield* launch(folder, options)
    let { child } = launched
    yield* Effect.addFinalizer(() => kill(child))
    const signal = (name: NodeJS.Signals) => Effect.sync(() => child.kill(name))
    const stop = Effect.suspend(() => kill(child))
    const restart = Effect.map(Effect.zipRight(stop, Effect.orDie(run(command))), (next) => {
      child = next
    })
    return {
      port,
      busPort,
      url: `redis://127.0.0.1:${port}`,
      stop,
      restart: Effect.uninterruptible(restart),
      pause: signal("SIGSTOP"),
      resume: signal("SIGCONT"),
      cli: cliAt(port)
    }
  }).pipe(Effect.uninterruptible)

/** An empty Redis that writes nothing to disk. It is gone when the scope closes, even if it is paused. */
export const start = (options: Options = {}): Effect.Effect<RedisServer, never, Scope.Scope> => startNode(options)

export interface RedisCluster {
  readonly nodes: ReadonlyArray<RedisServer>
}

const slots = 16_384

const isAgreed = (node: RedisServer, count: number) =>
  Effect.map(
    node.cli("cluster", "info"),
    (info) => info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${count}`)
  )

/** Three masters without replicas. A node that is started again is empty, and knows its place. */
export const cluster = (): Effect.Effect<RedisCluster, never, Scope.Scope> =>
  Effect.gen(function* () {
    const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-announce-ip", "127.0.0.1"]
    const nodes = yield* Effect.all([startNode({ args }), startNode({ args }), startNode({ args })], {
      concurrency: "unbounded"
    })
    const [first] = nodes
    for (const [index, node] of nodes.entries()) {
      const [from, to] = [index, index + 1].map((part) => Math.floor((part * slots) / nodes.length))
      yield* node.cli("cluster", "addslotsrange", `${from}`, `${(to ?? slots) - 1}`)
      yield* node.cli("cluster", "set-config-epoch", `${index + 1}`)
      if (node !== first) yield* node.cli("cluster", "meet", "127.0.0.1", `${first.port}`, `${first.busPort}`)
    }
    yield* Effect.all(nodes.map((node) => isAgreed(node, nodes.length))).pipe(
      Effect.repeat({ until: (agreed) => agreed.every(Boolean), schedule: Schedule.spaced("50 millis") })
    )
    return { nodes }
  })

const listen = (onConnection: (socket: Socket) => void): Effect.Effect<number, never, Scope.Scope> =>
  Effect.gen(function* () {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket.on("close", () => sockets.delete(socket)).on("error", () => {}))
      onConnection(socket)
    })
    yield* Effect.addFinalizer(() =>
      Effect.async((resume) => {
        server.close(() => resume(Effect.void))
        for (const socket of sockets) socket.destroy()
      })
    )
    return yield* Effect.async<number>((resume) => {
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(portOf(server.address()))))
    })
  })

/** A server that is no Redis: whatever it is sent, it answers with these bytes. */
export const garbage = (
  answer: string | Uint8Array = "HTTP/1.1 400 Bad Request\r\n\r\n"
): Effect.Effect<{ readonly port: number; readonly url: string }, never, Scope.Scope> =>
  Effect.map(
    listen((socket) => {
      socket.on("data", () => socket.write(answer))
    }),
    (port) => ({ port, url: `redis://127.0.0.1:${port}` })
  )
