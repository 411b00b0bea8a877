import { Page } from '../parts/page.tsx'

export const Release = () => <Page title="Release">{null}</Page>
