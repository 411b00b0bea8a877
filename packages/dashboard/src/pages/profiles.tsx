import { Page } from '../parts/page.tsx'

export const Profiles = () => <Page title="Profiles">{null}</Page>
