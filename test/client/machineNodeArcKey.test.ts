import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import * as Fs from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Either, FastCheck, Redacted } from "effect"
import { checkPath } from "../../src/client/arcKeyPath.js"
import { Machine } from "../../src/client/Machine.js"
import * as MachineNode from "../../src/client/MachineNode.js"
import { placesOf } from "../../src/client/machinePlaces.js"

const linux = placesOf("linux", {})
const windows = placesOf("win32", {})

const secret = "hunter2+AAAA/BBBB=="

/** A folder for keys that everybody may enter, below one that goes with the scope. */
const newFolder = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const path = await Fs.realpath(await Fs.mkdtemp(join(tmpdir(), "arc-")))
      await Fs.chmod(path, 0o755)
      await Fs.mkdir(join(path, "tokens"))
      return path
    }),
    (path) => Effect.promise(() => Fs.rm(path, { recursive: true }))
  ),
  (path) => join(path, "tokens")
)

const write = (path: string, content: string) => Effect.promise(() => Fs.writeFile(path, content))

const read = (folder: string, path: string) =>
  Effect.flatMap(MachineNode.make({ ...linux, arcFolder: folder }), (machine) => machine.arcKey(path))

/** The rule that a file breaks, of which nothing else is told. */
const refusal = (folder: string, path: string) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(read(folder, path)).pipe(Effect.timeout("5 seconds"))
    assert(error._tag === "CredentialUnavailable")
    assert.strictEqual(error.credential, "Azure Arc key file")
    assert.isUndefined(error.cause)
    assert.notInclude(inspect(error, { depth: 9 }) + JSON.stringify(error) + error.message, "hunter2")
    return error
  })

/** This process as one that may read only what everybody may. */
const asNobody = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const before = process.geteuid?.() ?? 0
      if (before === 0) process.seteuid?.(65534)
      return before
    }),
    () => effect,
    (before) => Effect.sync(() => process.seteuid?.(before))
  )

describe("Azure Arc's key", () => {
  it.scopedLive.each([
    { which: "as it is", content: secret },
    { which: "without the end of its line", content: `${secret}\r\n` },
    { which: "of 4 096 bytes", content: secret.padEnd(4096, "x") }
  ])("is read from the agent's folder, $which", ({ content }) =>
    Effect.gen(function* () {
      const folder = yield* newFolder
      const path = join(folder, "0b7d.key")
      yield* write(path, content)
      assert.strictEqual(Redacted.value(yield* read(folder, path)), content.trim())
    })
  )

  it.scopedLive("is read from the real place", () =>
    Effect.gen(function* () {
      const { arcFolder } = linux
      // Left in place, for other tests use it at the same time.
      yield* Effect.try({
        try: () => mkdirSync(arcFolder, { recursive: true }),
        catch: () => new Error(`Run: sudo install -d -o "$(id -un)" ${arcFolder}`)
      })
      const path = join(arcFolder, `${crypto.randomUUID()}.key`)
      yield* Effect.acquireRelease(
        Effect.tryPromise({
          try: () => Fs.writeFile(path, secret),
          catch: () => new Error(`Run: sudo chown "$(id -un)" ${arcFolder}`)
        }),
        () => Effect.promise(() => Fs.rm(path))
      )
      const machine = yield* Machine
      assert.strictEqual(Redacted.value(yield* machine.arcKey(path)), secret)
      const error = yield* Effect.flip(machine.arcKey("/etc/passwd"))
      assert.include(error.message, `does not lie in ${arcFolder}`)
    }).pipe(Effect.provide(MachineNode.layer))
  )
})

describe("a key file is refused", () => {
  it.scopedLive.each([
    { which: "of 4 097 bytes", content: "x".repeat(4097), told: "larger than 4096 bytes" },
    { which: "of far more", content: secret.repeat(100_000), told: "larger than 4096 bytes" },
    { which: "that is empty", content: "", told: "empty" },
    { which: "of white space alone", content: " \n", told: "something else" },
    { which: "with characters that no header carries", content: `${secret}\nx: y`, told: "something else" },
    { which: "of other characters", content: `${secret}ä`, told: "something else" }
  ])("$which", ({ content, told }) =>
    Effect.gen(function* () {
      const folder = yield* newFolder
      const path = join(folder, "a.key")
      yield* write(path, content)
      assert.include((yield* refusal(folder, path)).reason, told)
    })
  )

  it.scopedLive("that is a link, wherever it leads", () =>
    Effect.gen(function* () {
      const folder = yield* newFolder
      yield* write(join(folder, "real.key"), secret)
      yield* write(join(dirname(folder), "elsewhere"), secret)
      for (const target of ["real.key", "../elsewhere", "/nowhere", "a.key"]) {
        const path = join(folder, "a.key")
        yield* Effect.promise(() => Fs.symlink(target, path))
        assert.strictEqual((yield* refusal(folder, path)).reason, "it is a symbolic link")
        yield* Effect.promise(() => Fs.rm(path))
      }
    })
  )

  it.scopedLive("in a folder that is a link, or lies below one", () =>
    Effect.gen(function* () {
      const folder = yield* newFolder
      yield* write(join(folder, "a.key"), secret)
      const above = dirname(folder)
      yield* Effect.promise(() => Fs.symlink(folder, join(above, "linked")))
      yield* Effect.promise(() => Fs.symlink(above, join(above, "up")))
      for (const linked of [join(above, "linked"), join(above, "up", "tokens")])
        assert.include((yield* refusal(linked, join(linked, "a.key"))).reason, "symbolic link lies on its path")
    })
  )

  it.scopedLive("that is a pipe that nobody writes to, a folder or a socket, at once", () =>
    Effect.gen(function* () {
      const folder = yield* newFolder
      const pipe = join(folder, "pipe.key")
      execFileSync("mkfifo", [pipe])
      const directory = join(folder, "x.key")
      yield* Effect.promise(() => Fs.mkdir(directory))
      const socket = join(folder, "s.key")
      yield* Effect.acquireRelease(
        Effect.async<ReturnType<typeof createServer>>((resume) => {
          const server = createServer().listen(socket, () => resume(Effect.succeed(server)))
        }),
        (server) => Effect.sync(() => server.close())
      )
      assert.include((yield* refusal(folder, pipe)).reason, "no regular file")
      assert.include((yield* refusal(folder, directory)).reason, "no regular file")
      assert.include((yield* refusal(folder, socket)).reason, "ENXIO")
    })
  )

  it.scopedLive("that is not there", () =>
    Effect.gen(function* () {
      const folder = yield* newFolder
      assert.strictEqual((yield* refusal(folder, join(folder, "a.key"))).reason, "it is not there")
    })
  )

  it.scopedLive("that this user may not read, with what to do", () =>
    Effect.gen(function* () {
      const folder = yield* newFolder
      const path = join(folder, "a.key")
      yield* write(path, secret)
      yield* Effect.promise(() => Fs.chmod(path, 0o000))
      const byMode = yield* asNobody(refusal(folder, path))
      yield* Effect.promise(() => Fs.chmod(path, 0o644))
      assert.strictEqual(Redacted.value(yield* asNobody(read(folder, path))), secret)
      yield* Effect.promise(() => Fs.chmod(folder, 0o000))
      const byFolder = yield* asNobody(refusal(folder, path))
      yield* Effect.promise(() => Fs.chmod(folder, 0o755))
      for (const error of [byMode, byFolder]) {
        assert.strictEqual(error.reason, "this user may not read it")
        assert.include(error.remedy ?? "", "himds group")
      }
    })
  )

  it.scopedLive("that leaves no file open, whether it is taken or not", () =>
    Effect.gen(function* () {
      const folder = yield* newFolder
      const good = join(folder, "good.key")
      const bad = join(folder, "bad.key")
      yield* write(good, secret)
      yield* write(bad, "")
      for (let round = 0; round < 20; round += 1) yield* Effect.zip(read(folder, good), refusal(folder, bad))
      const open = yield* Effect.promise(() => Fs.readdir("/proc/self/fd"))
      const targets = yield* Effect.promise(() =>
        Promise.all(open.map((name) => Fs.readlink(`/proc/self/fd/${name}`).catch(() => "")))
      )
      assert.deepStrictEqual(
        targets.filter((target) => target.startsWith(folder)),
        []
      )
    })
  )
})

describe("a key file's path is refused", () => {
  const folder = linux.arcFolder
  it.each([
    ["", "relative"],
    ["a.key", "relative"],
    [`.${folder}/a.key`, "relative"],
    ["~/a.key", "relative"],
    [`file://${folder}/a.key`, "relative"],
    [`${folder}/../tokens/a.key`, '".."'],
    [`${folder}/../../../../etc/a.key`, '".."'],
    [`${folder}/a.key/..`, '".."'],
    [`${folder}/a.key\0`, "NUL"],
    [`${folder}/a\0.key`, "NUL"],
    [`${folder}/${"a".repeat(4096)}.key`, "longer than 4096 bytes"],
    [`${folder}/${"ä".repeat(2040)}.key`, "longer than 4096 bytes"],
    ["/etc/passwd", "lie in"],
    ["/etc/a.key", "lie in"],
    ["/a.key", "lie in"],
    [folder, "lie in"],
    [`${folder}.key`, "lie in"],
    [`${folder}2/a.key`, "lie in"],
    [`${folder}/deep/a.key`, "lie in"],
    [`${folder}//a.key`, "lie in"],
    [`${folder}/./a.key`, "lie in"],
    [`/${folder}/a.key`, "lie in"],
    [`${folder.toUpperCase()}/a.key`, "lie in"],
    [`${folder}\\a.key`, "lie in"],
    [`${folder}/`, "end in .key"],
    [`${folder}/.key`, "end in .key"],
    [`${folder}/a`, "end in .key"],
    [`${folder}/a.key.txt`, "end in .key"],
    [`${folder}/a.KEY`, "end in .key"],
    [`${folder}/a.key `, "end in .key"]
  ])("%j", (path, told) => {
    const rule = checkPath(linux, path)
    assert(Either.isLeft(rule))
    assert.include(rule.left, told)
  })

  it.each([
    ["Tokens\\a.key", "relative"],
    ["\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\a.key", "relative"],
    [`\\\\?\\${windows.arcFolder}\\a.key`, "relative"],
    ["\\\\server\\AzureConnectedMachineAgent\\Tokens\\a.key", "relative"],
    ["C:ProgramData\\AzureConnectedMachineAgent\\Tokens\\a.key", "relative"],
    [`${windows.arcFolder}\\..\\Tokens\\a.key`, '".."'],
    [`${windows.arcFolder}/../Tokens/a.key`, '".."'],
    ["D:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\a.key", "lie in"],
    [`${windows.arcFolder}\\deep\\a.key`, "lie in"],
    [`${windows.arcFolder}\\a.txt`, "end in .key"],
    [`${windows.arcFolder}\\other.txt:a.key`, "colon"]
  ])("on Windows: %j", (path, told) => {
    const rule = checkPath(windows, path)
    assert(Either.isLeft(rule))
    assert.include(rule.left, told)
  })

  const part = FastCheck.constantFrom("/", "\\", "..", ".", "a", ".key", "\0", ":", "tokens", folder, windows.arcFolder)
  const likely = FastCheck.array(part, { maxLength: 6 }).map((parts) => parts.join(""))

  it.prop(
    "unless it is the folder's, one name and the extension; and nothing of it is told",
    [FastCheck.oneof(likely, FastCheck.fullUnicodeString())],
    ([path]) => {
      const isKey = path.startsWith(`${folder}/`) && /^[^/\0]+\.key$/s.test(path.slice(folder.length + 1))
      const rule = checkPath(linux, path)
      assert.strictEqual(Either.isRight(rule), isKey)
      const told = ["its path", "its name", "it does not lie in"]
      if (Either.isLeft(rule)) assert.isTrue(told.some((text) => rule.left.startsWith(text)))
    },
    { fastCheck: { numRuns: 5000 } }
  )
})

describe("a key file's path is taken", () => {
  it.each([`${linux.arcFolder}/0b7d-41ce.key`, `${linux.arcFolder}/..a.key`, `${linux.arcFolder}/a b.key`])(
    "%j",
    (path) => {
      assert.deepStrictEqual(checkPath(linux, path), Either.right(path))
    }
  )

  it.each([
    "C:\\ProgramData\\AzureConnectedMachineAgent\\Tokens\\a.key",
    "c:\\programdata\\azureconnectedmachineagent\\tokens\\A.KEY",
    "C:/ProgramData/AzureConnectedMachineAgent/Tokens/a.key"
  ])("on Windows: %j", (path) => {
    assert.deepStrictEqual(checkPath(windows, path), Either.right(path))
  })
})
