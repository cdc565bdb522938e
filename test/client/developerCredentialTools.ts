import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Command, CommandExecutor, HttpClient } from "@effect/platform"
import { NodeContext } from "@effect/platform-node"
import { Duration, Effect, Layer } from "effect"
import * as TokenCache from "../../src/cache/TokenCache.js"
import type { Workshop } from "../../src/client/developerProcess.js"
import { askTool, type DeveloperTool } from "../../src/client/developerTool.js"
import { Machine, type MachineService } from "../../src/client/Machine.js"

/** What a tool does when it is started. */
export interface Reply {
  readonly stdout?: string
  readonly stderr?: string
  readonly code?: number
  /** What it does before it says anything, as a POSIX shell's commands. */
  readonly first?: string
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** A folder of programs which stands first on the PATH of what is started. */
export const makeTools = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-entra-tools-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
).pipe(
  Effect.map((folder) => {
    const at = (name: string) => join(folder, name)
    const read = (name: string): string => (existsSync(at(name)) ? readFileSync(at(name), "utf8") : "")
    const install = (name: string, lines: ReadonlyArray<string>) =>
      writeFileSync(at(name), ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 })
    return {
      folder,
      install,
      /** A tool that notes how it was started, and then does as it is told. */
      replies: (name: string, { code = 0, first = "", stderr = "", stdout = "" }: Reply) => {
        writeFileSync(at(`${name}.stdout`), stdout)
        writeFileSync(at(`${name}.stderr`), stderr)
        install(name, [
          `echo start >> ${quoted(at(`${name}.starts`))}`,
          `for each in "$@"; do printf '%s\\n' "$each"; done > ${quoted(at(`${name}.args`))}`,
          `pwd > ${quoted(at(`${name}.cwd`))}`,
          first,
          `cat ${quoted(at(`${name}.stderr`))} >&2`,
          `cat ${quoted(at(`${name}.stdout`))}`,
          `exit ${code}`
        ])
      },
      read,
      args: (name: string): ReadonlyArray<string> => read(`${name}.args`).split("\n").slice(0, -1),
      starts: (name: string): number => read(`${name}.starts`).split("\n").length - 1
    }
  })
)

export type Tools = Effect.Effect.Success<typeof makeTools>

/** Starts real processes, whose PATH begins with the folder and holds what scripts are made of. */
const executorIn = (tools: Tools, path = `${tools.folder}:/usr/bin:/bin`) =>
  Effect.map(CommandExecutor.CommandExecutor, (real) =>
    CommandExecutor.makeExecutor((command) => real.start(Command.env(command, { PATH: path })))
  )

export const machine: MachineService = {
  isWindows: false,
  systemFolder: "/bin",
  direct: HttpClient.make(() => Effect.die("no HTTP")),
  pinned: () => Effect.die("no HTTP"),
  hasArcAgent: Effect.succeed(false),
  arcKey: () => Effect.die("no Arc")
}

export const workshopOf = (
  tools: Tools,
  change: Partial<Workshop["machine"]> & { readonly path?: string } = {}
): Effect.Effect<Workshop> =>
  Effect.map(executorIn(tools, change.path), (executor) => ({ executor, machine: { ...machine, ...change } })).pipe(
    Effect.provide(NodeContext.layer)
  )

/** All that a developer's credential needs, with these tools. */
export const surroundings = (tools: Tools, change: { readonly path?: string; readonly isWindows?: boolean } = {}) =>
  Layer.mergeAll(
    Layer.effect(CommandExecutor.CommandExecutor, executorIn(tools, change.path)).pipe(
      Layer.provide(NodeContext.layer)
    ),
    Layer.succeed(Machine, { ...machine, isWindows: change.isWindows ?? false }),
    TokenCache.layerMemory()
  )

export const scope = "https://vault.azure.net/.default"

export interface Asked {
  readonly scopes?: ReadonlyArray<string>
  readonly tenantId?: string
  readonly claims?: string
  readonly timeout?: Duration.DurationInput
}

export const ask = (
  workshop: Workshop,
  tool: DeveloperTool,
  { claims, scopes = [scope], tenantId = "", timeout = "10 seconds" }: Asked = {}
) => askTool(workshop, tool)({ target: { scopes, tenantId, key: "" }, claims, timeout: Duration.decode(timeout) })
