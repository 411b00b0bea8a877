import { Page } from '../parts/page.tsx'

export const Device = () => <Page title="Device">{null}</Page>
