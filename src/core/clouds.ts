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

const known: ReadonlyMap<string, CloudHosts> = new Map(
  Object.values<CloudHosts>(clouds).flatMap((cloud) => [cloud.host, ...cloud.aliases].map((host) => [host, cloud]))
)

/** Regions of the public cloud have hosts of this name, those of others are under the cloud's own. */
const regionalParent = ({ host }: CloudHosts): string => (host === clouds.public.host ? "login.microsoft.com" : host)

const regionalClouds: ReadonlyMap<string, CloudHosts> = new Map(
  Object.values<CloudHosts>(clouds).map((cloud) => [regionalParent(cloud), cloud])
)

const regionalHost = /^[a-z0-9]+\.(.+)$/

/**
 * The cloud of a host, its aliases and regions included.
 *
 * @internal
 */
export const cloudOf = (host: string): CloudHosts | undefined =>
  known.get(host) ?? regionalClouds.get(regionalHost.exec(host)?.[1] ?? "")

/**
 * The name that all hosts of one cloud share; an unknown host stands for itself.
 *
 * @internal
 */
export const cacheNameOf = (host: string): string => cloudOf(host)?.cacheName ?? host

/**
 * The hosts of one cloud; an unknown host stands for itself.
 *
 * @internal
 */
export const namesOf = (host: string): ReadonlyArray<string> => {
  const cloud = cloudOf(host)
  return cloud === undefined ? [host] : [...new Set([host, cloud.host, ...cloud.aliases])]
}

/**
 * A region's own host; absent for hosts that are no cloud's.
 *
 * @internal
 */
export const regionalHostOf = (host: string, region: string): string | undefined => {
  const cloud = cloudOf(host)
  return cloud === undefined ? undefined : `${region}.${regionalParent(cloud)}`
}
