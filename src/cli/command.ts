import * as Command from "@effect/cli/Command"
import { sku } from "../core/sku.js"
import { accountsCommand, logoutCommand } from "./accounts.js"
import { doctorCommand } from "./doctor.js"
import { emulatorCommand } from "./emulator.js"
import { explainCommand } from "./explain.js"
import { loginCommand } from "./login.js"
import { tokenCommand } from "./token.js"

const root = Command.make("effect-entra").pipe(
  Command.withDescription("Tokens of Microsoft Entra ID"),
  Command.withSubcommands([
    tokenCommand,
    loginCommand,
    accountsCommand,
    logoutCommand,
    explainCommand,
    doctorCommand,
    emulatorCommand
  ])
)

/** Runs the command line as it stands in `process.argv`. */
export const run = Command.run(root, { name: "effect-entra", version: sku.version })
