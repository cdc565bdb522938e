/** How this library names itself to authorities; a test holds the version to the package's. */
export const sku = { name: "effect-entra", version: "0.1.0" } as const
