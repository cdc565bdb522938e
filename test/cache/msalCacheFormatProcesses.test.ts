import { type ChildProcess, spawn } from "node:child_process"
import { NodeContext } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { withMsalLock } from "../../src/cache/fileLock.js"
import * as MsalDocument from "../../src/cache/msalDocument.js"
import { compiled } from "../support/compiled.js"
import { accountsOfMsal, entitiesOf, publicCloud } from "./msalCacheFormatClients.js"
import { sharedFile } from "./msalCacheFormatFiles.js"
import { right } from "./msalDocuments.js"

/** What a process has told, when it has ended well. */
const told = (child: ChildProcess) =>
  Effect.async<ReadonlyArray<string>, Error>((resume) => {
    let output = ""
    let complaint = ""
    child.stdout?.on("data", (data: Buffer) => {
      output += data.toString()
    })
    child.stderr?.on("data", (data: Buffer) => {
      complaint += data.toString()
    })
    child.once("close", (code) => {
      const lines = output.split("\n").filter((line) => line !== "")
      resume(code === 0 ? Effect.succeed(lines) : Effect.fail(new Error(`ended with ${code}: ${complaint}`)))
    })
  })

const start = (program: string, ...args: ReadonlyArray<string>) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    told
  )

const rounds = 12

/** Lets processes of these kinds win tokens at the same time, and looks at the file meanwhile. */
const together = (kinds: ReadonlyArray<"ours" | "locking" | "published">) =>
  Effect.gen(function* () {
    const shared = yield* sharedFile
    const program = yield* compiled(new URL("msalCacheFormatProgram.ts", import.meta.url))
    let looks = 0
    const look = Effect.gen(function* () {
      const text = yield* shared.text
      right(MsalDocument.parse(text))
      looks += text === "" ? 0 : 1
    }).pipe(Effect.catchTag("SystemError", () => Effect.void))
    const locked = withMsalLock({ path: shared.path, operation: "get" })
    const watch = yield* locked(look).pipe(
      Effect.zipRight(Effect.sleep("150 millis")),
      Effect.forever,
      Effect.provide(NodeContext.layer),
      Effect.fork
    )
    const ends = yield* Effect.all(
      kinds.map((kind, index) => start(program, kind, shared.path, `${index}`, `${rounds}`))
    )
    const won = (yield* Effect.all(ends, { concurrency: "unbounded" })).flat()
    const broken = watch.unsafePoll()
    yield* Fiber.interrupt(watch)
    assert.isNull(broken)
    assert.isAbove(looks, 3)
    assert.lengthOf(new Set(won), kinds.length * rounds * 2)
    const text = yield* shared.text
    const written = new Set([
      ...entitiesOf(text, "AccessToken").map(({ home_account_id, target }) => home_account_id || target),
      ...entitiesOf(text, "Account").flatMap(({ home_account_id }) => [home_account_id])
    ])
    const renewable = new Set(entitiesOf(text, "RefreshToken").map(({ home_account_id }) => home_account_id))
    const isThere = (what: string) => written.has(what) && (what.startsWith("api:") || renewable.has(what))
    return { ...shared, won, lost: won.filter((what) => !isThere(what)) }
  })

describe("processes of ours and of msal-node that write one file at the same time", () => {
  it.scopedLive(
    "lose nothing of each other, and never leave a part of it",
    () =>
      Effect.gen(function* () {
        const shared = yield* together(["ours", "locking", "ours", "locking"])
        assert.deepStrictEqual(shared.lost, [])
        const known = yield* (yield* shared.ours()).getAccounts({ session: "" })
        assert.lengthOf(known, 4 * rounds)
        const names = yield* shared.names
        assert.deepStrictEqual(names, ["msal.cache.json"])
      }).pipe(Effect.provide(publicCloud())),
    120_000
  )

  it.scopedLive(
    "get their tokens and leave a document, even if msal-node gives up locks that it does not hold",
    () =>
      Effect.gen(function* () {
        const shared = yield* together(["ours", "published", "ours", "published"])
        const known = yield* (yield* shared.ours()).getAccounts({ session: "" })
        const listed = yield* accountsOfMsal(yield* shared.msal("published"))
        assert.sameMembers(
          known.map(({ homeAccountId }) => homeAccountId),
          listed.map(({ homeAccountId }) => homeAccountId)
        )
        // Whoever of them has waited for the lock writes what it had read before.
        assert.isBelow(shared.lost.length, shared.won.length / 2)
      }).pipe(Effect.provide(publicCloud())),
    120_000
  )
})
