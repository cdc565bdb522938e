import * as Data from "effect/Data"

/** The command failed and has said why: nothing is left but the exit code. */
export class Failed extends Data.TaggedError("Failed") {}
