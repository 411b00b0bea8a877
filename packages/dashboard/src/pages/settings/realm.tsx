/** The realm: where devices of Astarte are paired, what they need to know of it, and who may register them. */
import { Button, Skeleton, Stack } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { IconPlugConnected } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import type { Output } from '@updraft/api/client'
import { realmQuery } from '../../data/realm.ts'
import { useMay } from '../../data/session.ts'
import { Empty } from '../../parts/empty.tsx'
import { Trouble } from '../../parts/trouble.tsx'
import { AboutRealm } from './realm/about.tsx'
import { Cluster } from './realm/cluster.tsx'
import { RealmKeys } from './realm/keys.tsx'
import { ForMakers } from './realm/makers.tsx'
import { RealmDialog } from './realm/realm-dialog.tsx'
import './realm/realm.css'

export type RealmData = Output<'showRealm'>

export function Realm() {
  const realm = useQuery(realmQuery)
  if (realm.error) return <Trouble error={realm.error} onRetry={() => void realm.refetch()} />
  if (realm.isPending) return <Skeleton height={320} />
  if (realm.data === null) return <NoRealm />
  return (
    <div className="realm">
      <Stack>
        <AboutRealm realm={realm.data} />
        <RealmKeys realm={realm.data} />
      </Stack>
      <Stack>
        <ForMakers realm={realm.data} />
        <Cluster realm={realm.data} />
      </Stack>
    </div>
  )
}

function NoRealm() {
  const may = useMay()
  const [isMaking, making] = useDisclosure()
  return (
    <>
      <Empty
        Icon={IconPlugConnected}
        title="No realm yet"
        action={may('realm.write') && <Button onClick={making.open}>Make the realm</Button>}
      >
        A realm is your name on Astarte's wire: devices that run Edgehog, or any of Astarte's SDKs,
        are paired in it and updated from here. Devices of other kinds need none.
      </Empty>
      {isMaking && <RealmDialog onClose={making.close} />}
    </>
  )
}
