import { type Duration, Effect, type Scope } from "effect"
import { azureCliTool } from "../../src/client/azureCli.js"
import { azureDeveloperCliTool } from "../../src/client/azureDeveloperCli.js"
import { azurePowerShellTool } from "../../src/client/azurePowerShell.js"
import type { DeveloperTool } from "../../src/client/developerTool.js"
import { ask, makeTools, type Reply, workshopOf } from "../client/developerCredentialTools.js"
import { merged, type Table } from "./table.js"

type PerTool<A> = Readonly<Record<"az" | "azd" | "pwsh", A>>

export const programs: ReadonlyArray<readonly [program: keyof PerTool<unknown>, tool: DeveloperTool]> = [
  ["az", azureCliTool(undefined)],
  ["azd", azureDeveloperCliTool],
  ["pwsh", azurePowerShellTool]
]

/** What a tool does when it is asked, and the reason that the error must give. */
export interface ToolRow {
  readonly name: string
  /** Absent where the tool is. */
  readonly reply?: PerTool<Reply>
  readonly timeout?: Duration.DurationInput
  readonly reason: string
}

const complains = (stderr: string): Reply => ({ stderr: `${stderr}\n`, code: 1 })

/** As azd writes while it is asked for JSON. */
const azdMessage = (message: string): Reply => ({
  stdout: `${JSON.stringify({ type: "consoleMessage", data: { message: `\nERROR: ${message}\n` } })}\n`,
  code: 1
})

const all = (reply: Reply): PerTool<Reply> => ({ az: reply, azd: reply, pwsh: reply })

const wrongTenant = "AADSTS90002: Tenant 'x' not found."

export const toolRows: ReadonlyArray<ToolRow> = [
  { name: "is not installed", reason: "it is not installed, or not on the PATH" },
  {
    name: "has nobody signed in",
    reply: {
      az: complains("ERROR: Please run 'az login' to setup account."),
      azd: azdMessage("fetching token: not logged in, run `azd auth login` to login"),
      pwsh: complains("System.Management.Automation.PSInvalidOperationException: Run Connect-AzAccount to login.")
    },
    reason: "nobody is signed in to it"
  },
  {
    name: "knows no such tenant",
    reply: { az: complains(`ERROR: ${wrongTenant}`), azd: azdMessage(wrongTenant), pwsh: complains(wrongTenant) },
    reason: "its user is not of the tenant, or there is no such tenant (AADSTS90002)"
  },
  {
    name: "hangs",
    reply: all({ first: "sleep 600" }),
    timeout: "300 millis",
    reason: "it gave no answer within 300ms"
  },
  { name: "prints rubbish", reply: all({ stdout: "Welcome!" }), reason: "its answer is not JSON" },
  { name: "prints JSON without a token", reply: all({ stdout: "{}" }), reason: "its answer holds no token" },
  {
    name: "prints 2 MB",
    reply: all({ first: "head -c 2000000 /dev/zero" }),
    reason: "it printed more than any token takes, and was ended"
  },
  { name: "is killed", reply: all({ first: "kill -9 $$" }), reason: "it was ended by a signal" },
  { name: "fails without a word", reply: all({ code: 3 }), reason: "it ended with exit code 3" }
]

/** Starts a tool that does so, and gives the reason of the error. */
export const runTool = (
  { reply, timeout }: ToolRow,
  [program, tool]: (typeof programs)[number]
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function* () {
    const tools = yield* makeTools
    if (reply !== undefined) tools.replies(program, reply[program])
    const workshop = yield* workshopOf(tools, reply === undefined ? { path: tools.folder } : {})
    return yield* Effect.match(ask(workshop, tool, timeout === undefined ? {} : { timeout }), {
      onFailure: ({ reason }) => reason,
      onSuccess: () => "token"
    })
  })

/** The reasons by row, tool by tool. */
export type Reasons = ReadonlyArray<ReadonlyArray<string>>

/** As the rows say it must be. */
export const expectedReasons: Reasons = toolRows.map(({ reason }) => programs.map(() => reason))

/** As it is; in real time. */
export const measureTools: Effect.Effect<Reasons> = Effect.forEach(
  toolRows,
  (row) => Effect.forEach(programs, (program) => Effect.scoped(runTool(row, program))),
  { concurrency: 2 }
)

/** Tools that give the same reasons share a column. */
export const toolTable = (reasons: Reasons): Table => {
  const columns = merged(
    programs.map(([, { name }], index) => ({ name, cells: reasons.map((each) => each[index] ?? "") }))
  )
  return {
    heads: ["the tool", ...columns.map(({ name }) => name)],
    cells: toolRows.map(({ name }, index) => [name, ...columns.map(({ cells }) => cells[index] ?? "")])
  }
}
