import { Page } from '../parts/page.tsx'

export const Start = () => <Page title="First update">{null}</Page>
