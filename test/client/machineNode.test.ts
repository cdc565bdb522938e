import { statSync } from "node:fs"
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import Http from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Scope } from "effect"
import { getGlobalDispatcher, ProxyAgent, setGlobalDispatcher } from "undici"
import { Machine } from "../../src/client/Machine.js"
import * as MachineNode from "../../src/client/MachineNode.js"
import { placesOf } from "../../src/client/machinePlaces.js"
import { closedPort, serve } from "../protocol/servers.js"
import { answerOf, ask, brokenBy, failureOf, newIdentity, serveTls } from "./machineServers.js"

const direct = Effect.map(Machine, (machine) => machine.direct)

const layer = MachineNode.layer

const withVariables = (variables: Record<string, string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = { ...process.env }
      Object.assign(process.env, variables)
      return before
    }),
    (before) =>
      Effect.sync(() => {
        for (const name of Object.keys(variables)) delete process.env[name]
        Object.assign(process.env, before)
      })
  )

describe("HTTP straight to where it is asked", () => {
  it.scopedLive("goes through no proxy, whatever the environment and all that the program shares say", () =>
    Effect.gen(function* () {
      const proxy = yield* serve((response) => response.end("proxied"))
      yield* withVariables({
        NODE_USE_ENV_PROXY: "1",
        HTTP_PROXY: proxy.origin,
        http_proxy: proxy.origin,
        HTTPS_PROXY: proxy.origin,
        https_proxy: proxy.origin,
        NO_PROXY: "",
        no_proxy: ""
      })
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          const before = { agent: Http.globalAgent, dispatcher: getGlobalDispatcher() }
          const agent = new Http.Agent()
          Object.assign(agent, { addRequest: () => assert.fail("the shared agent was used") })
          Reflect.set(Http, "globalAgent", agent)
          setGlobalDispatcher(new ProxyAgent(proxy.origin))
          return before
        }),
        ({ agent, dispatcher }) =>
          Effect.sync(() => {
            Reflect.set(Http, "globalAgent", agent)
            setGlobalDispatcher(dispatcher)
          })
      )
      const server = yield* serve((response) => response.end("direct"))
      const client = yield* Effect.provide(direct, layer)
      assert.strictEqual(answerOf(yield* ask(client, server)).body, "direct")
      assert.deepStrictEqual([server.seen.length, proxy.connections()], [1, 0])
    })
  )

  for (const status of [301, 302, 307, 308])
    it.scopedLive(`follows no redirect (${status})`, () =>
      Effect.gen(function* () {
        const other = yield* serve((response) => response.end("{}"))
        const server = yield* serve((response) => response.writeHead(status, { location: other.origin }).end())
        assert.strictEqual(answerOf(yield* ask(yield* direct, server)).status, status)
        yield* Effect.sleep("20 millis")
        assert.strictEqual(other.connections(), 0)
      }).pipe(Effect.provide(layer))
    )

  it.scopedLive("keeps a connection for the next request, and closes it with the layer", () =>
    Effect.gen(function* () {
      const server = yield* serve((response) => response.end("{}"))
      yield* Effect.gen(function* () {
        const client = yield* direct
        for (const _ of [1, 2, 3]) answerOf(yield* ask(client, server))
        assert.strictEqual(server.connections(), 1)
      }).pipe(Effect.provide(layer))
      yield* server.idle
    })
  )

  it.scopedLive("ends what is under way when the layer is closed", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => undefined)
      const scope = yield* Scope.make()
      const machine = yield* Machine.pipe(Effect.provide(yield* Scope.extend(Layer.build(layer), scope)))
      const fiber = yield* Effect.fork(ask(machine.direct, server))
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => server.seen.length === 1 })
      yield* Scope.close(scope, Exit.void)
      failureOf(yield* Fiber.join(fiber), "reset")
      yield* server.idle
    })
  )

  it.scopedLive("ends with who asks for it", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => undefined)
      const fiber = yield* Effect.fork(ask(yield* direct, server))
      yield* Effect.repeat(Effect.sleep("5 millis"), { until: () => server.seen.length === 1 })
      yield* Fiber.interrupt(fiber)
      yield* server.idle
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("takes a body no faster than it is read, and none that has no end", () =>
    Effect.gen(function* () {
      const chunk = "x".repeat(64 * 1024)
      let written = 0
      const server = yield* serve((response) => {
        const write = () => {
          while (!response.destroyed && written < 1024 ** 3) {
            written += chunk.length
            if (!response.write(chunk)) return void response.once("drain", write)
          }
        }
        write()
      })
      const outcome = yield* ask(yield* direct, server)
      assert.strictEqual(outcome._tag === "Partial" && outcome.failure, "tooLarge")
      yield* server.idle
      assert.isBelow(written, 64 * 1024 ** 2)
    }).pipe(Effect.provide(layer))
  )
})

describe("HTTP straight to where it is asked fails", () => {
  it.live("where the port refuses", () =>
    Effect.gen(function* () {
      assert.strictEqual(failureOf(yield* ask(yield* direct, yield* closedPort), "refused").code, "ECONNREFUSED")
    }).pipe(Effect.provide(layer))
  )

  it.live("where the name has no address", () =>
    Effect.gen(function* () {
      const nowhere = { host: "nowhere.invalid", origin: "http://nowhere.invalid" }
      failureOf(yield* ask(yield* direct, nowhere), "unresolved")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("by a reset, and sends nothing again behind our back", () =>
    Effect.gen(function* () {
      const server = yield* serve((response) => response.socket?.resetAndDestroy())
      failureOf(yield* ask(yield* direct, server), "reset")
      assert.lengthOf(server.seen, 1)
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("where time runs out, before the answer and within it", () =>
    Effect.gen(function* () {
      const client = yield* direct
      const mute = yield* serve(() => undefined)
      failureOf(yield* ask(client, mute, "100 millis"), "timeout")
      const slow = yield* serve((response) => response.write("{"))
      assert.strictEqual(brokenBy(yield* ask(client, slow, "200 millis")), "timeout")
      yield* Effect.zip(mute.idle, slow.idle)
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("where a body is cut off, with a length and in chunks", () =>
    Effect.gen(function* () {
      const client = yield* direct
      const ended = yield* serve((response) => {
        response.writeHead(200, { "content-length": 99 }).write("{")
        setTimeout(() => response.socket?.end(), 20)
      })
      assert.strictEqual(brokenBy(yield* ask(client, ended)), "cutOff")
      const reset = yield* serve((response) => {
        response.write("{")
        setTimeout(() => response.socket?.resetAndDestroy(), 20)
      })
      assert.strictEqual(brokenBy(yield* ask(client, reset)), "cutOff")
    }).pipe(Effect.provide(layer))
  )

  it.scopedLive("over TLS where nobody trusts the certificate", () =>
    Effect.gen(function* () {
      const server = yield* serveTls(yield* newIdentity)
      assert.isFalse(failureOf(yield* ask(yield* direct, server), "certificate").isRetryable)
      assert.deepStrictEqual(server.received, [])
    }).pipe(Effect.provide(layer))
  )
})

describe("a machine's places", () => {
  it("are Linux's", () => {
    const { arcAgent, arcFolder, isWindows } = placesOf("linux", { ProgramFiles: "C:\\Elsewhere" })
    assert.deepStrictEqual(
      [arcAgent, arcFolder, isWindows],
      ["/opt/azcmagent/bin/himds", "/var/opt/azcmagent/tokens", false]
    )
  })

  it("are Windows', where its variables say", () => {
    const variables = { SystemRoot: "D:\\Windows", ProgramFiles: "D:\\Programs", ProgramData: "D:\\Data\\" }
    const { arcAgent, arcFolder, isWindows, systemFolder } = placesOf("win32", variables)
    assert.isTrue(isWindows)
    assert.strictEqual(systemFolder, "D:\\Windows")
    assert.strictEqual(arcAgent, "D:\\Programs\\AzureConnectedMachineAgent\\himds.exe")
    assert.strictEqual(arcFolder, "D:\\Data\\AzureConnectedMachineAgent\\Tokens")
  })

  it.each([{}, { SystemRoot: "", ProgramFiles: "", ProgramData: "" }])(
    "are Windows' usual ones with %j",
    (variables) => {
      const { arcAgent, arcFolder, systemFolder } = placesOf("win32", variables)
      assert.strictEqual(systemFolder, "C:\\Windows")
      assert.strictEqual(arcAgent, "C:\\Program Files\\AzureConnectedMachineAgent\\himds.exe")
      assert.strictEqual(arcFolder, "C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens")
    }
  )

  it.effect.skipIf(process.platform === "win32")("have a folder where root alone may write", () =>
    Effect.gen(function* () {
      const { isWindows, systemFolder } = yield* Machine
      const { mode, uid } = statSync(systemFolder)
      assert.deepStrictEqual([isWindows, uid, mode & 0o022], [false, 0, 0])
    }).pipe(Effect.provide(layer))
  )
})

it.scoped("Azure Arc's agent is there once its program is", () =>
  Effect.gen(function* () {
    const folder = yield* Effect.acquireRelease(
      Effect.promise(() => mkdtemp(join(tmpdir(), "himds-"))),
      (path) => Effect.promise(() => rm(path, { recursive: true }))
    )
    const arcAgent = join(folder, "himds")
    const { hasArcAgent } = yield* MachineNode.make({ ...placesOf("linux", {}), arcAgent })
    assert.isFalse(yield* hasArcAgent)
    yield* Effect.promise(() => writeFile(arcAgent, ""))
    yield* Effect.promise(() => chmod(arcAgent, 0o000))
    assert.isTrue(yield* hasArcAgent)
  })
)
