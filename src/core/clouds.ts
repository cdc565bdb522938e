/** One cloud of Entra: the host that is asked, its other names, and the name under which caches are shared. */
export interface CloudHosts {
  readonly host: string
  readonly aliases: ReadonlyArray<string>
  readonly cacheName: string
}

const single = (host: string): CloudHosts => ({ host, aliases: [], cacheName: host })

/**
 * The clouds that Entra is known to have (MSAL.NET, KnownMetadataProvider).
 *
 * @internal
 */
export const clouds = {
  public: {
    host: "login.microsoftonline.com",
    aliases: ["login.windows.net", "login.microsoft.com", "sts.windows.net"],
    cacheName: "login.windows.net"
  },
  china: {
    host: "login.partner.microsoftonline.cn",
    aliases: ["login.chinacloudapi.cn"],
    cacheName: "login.partner.microsoftonline.cn"
  },
  usGovernment: {
    host: "login.microsoftonline.us",
    aliases: ["login.usgovcloudapi.net"],
    cacheName: "login.microsoftonline.us"
  },
  usLegacy: single("login-us.microsoftonline.com"),
  germany: single("login.microsoftonline.de"),
  preproduction: {
    host: "login.windows-ppe.net",
    aliases: ["sts.windows-ppe.net", "login.microsoft-ppe.com"],
    cacheName: "login.windows-ppe.net"
  },
  sovereignFrance: single("login.sovcloud-identity.fr"),
  sovereignGermany: single("login.sovcloud-identity.de"),
  sovereignSingapore: single("login.sovcloud-identity.sg")
} as const satisfies Record<string, CloudHosts>

const cacheNames: ReadonlyMap<string, string> = new Map(
  Object.values(clouds).flatMap((cloud) => [cloud.host, ...cloud.aliases].map((host) => [host, cloud.cacheName]))
)

/**
 * The name that all hosts of one cloud share; an unknown host stands for itself.
 *
 * @internal
 */
export const cacheNameOf = (host: string): string => cacheNames.get(host) ?? host
