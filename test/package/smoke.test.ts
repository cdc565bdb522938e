import { execFile } from "node:child_process"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { build } from "esbuild"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import manifest from "../../package.json" with { type: "json" }

const run = promisify(execFile)
const root = new URL("../..", import.meta.url).pathname

/** The TypeScript of the README, block by block. */
const examples = async (): Promise<ReadonlyArray<string>> => {
  const readme = await readFile(join(root, "README.md"), "utf8")
  return [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, program = ""]) => program)
}

const firstExample = async (): Promise<string> => {
  const [program] = await examples()
  if (program === undefined) throw new Error("README.md has no program")
  return program
}

/** What the entries say that need an optional peer. */
const missingPeers: Readonly<Record<string, RegExp>> = {
  "./MachineNode": /@effect\/platform-node/,
  "./EntraEmulatorNode": /Cannot find package '(@effect\/platform-node|selfsigned)'/,
  "./OnBehalfOfRpc": /Cannot find package '@effect\/rpc'/
}

describe("the package, installed from its tarball into an empty folder", () => {
  let folder = ""
  const npm = (...args: ReadonlyArray<string>) => run("npm", [...args, "--no-audit", "--no-fund"], { cwd: folder })
  const node = (...args: ReadonlyArray<string>) => run(process.execPath, [...args], { cwd: folder })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "effect-entra-"))
    await run("npm", ["run", "build"], { cwd: root })
    await run("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], { cwd: root })
    const [tarball = ""] = await readdir(folder)
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "a-program", type: "module", private: true }))
    const { effect, "@effect/platform": platform } = manifest.devDependencies
    await npm("install", "--prefer-offline", `./${tarball}`, `effect@${effect}`, `@effect/platform@${platform}`)
  }, 300_000)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  const compile = (...files: ReadonlyArray<string>) => {
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    return node(tsc, "--module", "nodenext", "--target", "es2022", "--strict", ...files)
  }

  it("runs the README's first program against the emulator", async () => {
    await writeFile(join(folder, "program.ts"), await firstExample())
    await compile("program.ts")

    const bin = join(folder, "node_modules/.bin/effect-entra")
    const emulator = execFile(process.execPath, [bin, "emulator"])
    try {
      const printed = await new Promise<string>((resolve) => {
        let text = ""
        emulator.stdout?.on("data", (data) => {
          text += data
          if (text.includes("AZURE_CLIENT_SECRET=")) resolve(text)
        })
      })
      const environment = Object.fromEntries(
        [...printed.matchAll(/export (\w+)='?([^'\n]*)/g)].map(([, k, v]) => [k, v])
      )
      const { stdout } = await run(process.execPath, ["program.js"], {
        cwd: folder,
        env: { ...process.env, ...environment }
      })
      assert.match(stdout, /identity_provider/)
      assert.match(stdout, /cache/)
      assert.notMatch(stdout, /eyJ/)
    } finally {
      emulator.kill()
    }
  }, 120_000)

  it("imports every entry that needs no optional peer, and names the peer that is missing for the others", async () => {
    for (const entry of Object.keys(manifest.exports)) {
      if (entry === "./package.json") continue
      const specifier = entry.replace(/^\./, "effect-entra")
      const imported = node("--input-type=module", "--eval", `await import("${specifier}")`)
      const missing = missingPeers[entry]
      if (missing === undefined) await imported
      else {
        const failure = await imported.then(String, (error: { readonly stderr: string }) => error.stderr)
        assert.match(failure, missing)
      }
    }
  }, 120_000)

  it("loads neither the code table nor what signs into a program with a secret and a cache", async () => {
    const { metafile } = await build({
      stdin: { contents: await firstExample(), resolveDir: folder, loader: "ts" },
      bundle: true,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      write: false,
      metafile: true
    })
    const used = Object.values(metafile.outputs).flatMap((output) =>
      Object.entries(output.inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []))
    )
    assert.isTrue(used.some((path) => path.endsWith("client/ConfidentialClient.js")))
    const unwanted = used.filter((path) => /aadstsTable|node_modules\/jose|emulator/.test(path))
    assert.deepStrictEqual(unwanted, [])
  })

  it("compiles every program of the README, with the peers that they name", async () => {
    const { "@effect/platform-node": platformNode, "@types/node": nodeTypes } = manifest.devDependencies
    // The declarations of platform-node import those of ws, which it does not bring.
    const peers = [
      `@effect/platform-node@${platformNode}`,
      `@types/node@${nodeTypes}`,
      "@types/ws@8",
      `ioredis@${manifest.devDependencies.ioredis}`
    ]
    await npm("install", "--prefer-offline", ...peers)
    const programs = await examples()
    const files = programs.map((_, index) => `example${index}.ts`)
    await Promise.all(programs.map((program, index) => writeFile(join(folder, `example${index}.ts`), program)))
    assert.isAtLeast(files.length, 2)
    await compile(...files)
  }, 300_000)
})
