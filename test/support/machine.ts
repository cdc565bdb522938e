import { spawnSync } from "node:child_process"

/** The programs beside Node that tests need, with the Debian package that each is in. */
const programs = [
  { command: "openssl", args: ["version"], debianPackage: "openssl" },
  { command: "redis-server", args: ["--version"], debianPackage: "redis-server" },
  { command: "chromium", args: ["--version"], debianPackage: "chromium" }
] as const

const runs = (command: string, args: ReadonlyArray<string>): boolean => spawnSync(command, args).status === 0

/** Installs what is missing, or says by which command a person can. */
export const setup = (): void => {
  for (const { args, command, debianPackage } of programs) {
    if (runs(command, args)) continue
    // What apt says does not count: it reports a failure where a package is in place, and its service could not be started.
    if (runs("apt-get", ["update"])) runs("apt-get", ["install", "-y", "--no-install-recommends", debianPackage])
    if (runs(command, args)) continue
    throw new Error(`The tests need ${command}. Install it, for instance by: sudo apt-get install ${debianPackage}`)
  }
}
