import { Page } from '../parts/page.tsx'

export const Packages = () => <Page title="Packages">{null}</Page>
