/** The realm of a test's platform, and who may register devices in it. */
import type { Realm } from './astarte-device.ts'
import type { TestPlatform } from './platform.ts'

/** Makes the realm `test`, in which devices that register themselves are of that profile. */
export async function testRealm(platform: TestPlatform, profile: string): Promise<Realm> {
  const { items } = await platform.api('listProfiles', { query: { name: profile } })
  const profileId = items[0]?.id
  await platform.api('setRealm', { body: { name: 'test', profileId } })
  const { token } = await platform.api('createAgentToken', { body: {} })
  return { url: `${platform.url}/pairing`, realm: 'test', agentToken: token }
}
