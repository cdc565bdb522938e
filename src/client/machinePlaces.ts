/** Where a machine keeps what credentials read of it. */
export interface MachinePlaces {
  readonly isWindows: boolean
  readonly systemFolder: string
  /** The program of Azure Arc's agent. */
  readonly arcAgent: string
  /** The folder of the keys that the agent writes, absolute and without a separator at its end. */
  readonly arcFolder: string
  /** How somebody gets the right to read them. */
  readonly arcRemedy: string
}

const unix: MachinePlaces = {
  isWindows: false,
  systemFolder: "/",
  arcAgent: "/opt/azcmagent/bin/himds",
  arcFolder: "/var/opt/azcmagent/tokens",
  arcRemedy: "Add the user to the himds group (sudo usermod -aG himds USER), and start the program anew."
}

type Variables = Readonly<Record<string, string | undefined>>

const windows = (variables: Variables): MachinePlaces => {
  const folder = (name: string, usual: string) => (variables[name] || usual).replace(/[\\/]+$/, "")
  return {
    isWindows: true,
    systemFolder: folder("SystemRoot", "C:\\Windows"),
    arcAgent: `${folder("ProgramFiles", "C:\\Program Files")}\\AzureConnectedMachineAgent\\himds.exe`,
    arcFolder: `${folder("ProgramData", "C:\\ProgramData")}\\AzureConnectedMachineAgent\\Tokens`,
    arcRemedy: 'Add the user to the group "Hybrid agent extension applications", and start the program anew.'
  }
}

/**
 * The places of a platform, as Node names it, by the variables of its environment.
 *
 * Source: Azure Arc, "Authenticate against Azure resources with Azure Arc-enabled servers".
 *
 * @internal
 */
export const placesOf = (platform: string, variables: Variables): MachinePlaces =>
  platform === "win32" ? windows(variables) : unix
