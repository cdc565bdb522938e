#!/usr/bin/env node
import * as NodeContext from "@effect/platform-node/NodeContext"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { run } from "./command.js"
import { layerProcess } from "./screen.js"

/** What a command has said of its failure is enough; what it did not foresee is said here. */
const main = run(process.argv).pipe(
  Effect.tapDefect((cause) => Effect.sync(() => process.stderr.write(`${Cause.pretty(cause)}\n`))),
  Effect.provide(Layer.merge(NodeContext.layer, layerProcess))
)

const interrupted = 130

NodeRuntime.runMain(main, {
  disableErrorReporting: true,
  teardown: (exit, onExit) => {
    if (Exit.isSuccess(exit)) return onExit(0)
    return onExit(Cause.isInterruptedOnly(exit.cause) ? interrupted : 1)
  }
})
